using Migrator.Model;

namespace Migrator.Progress;

/// <summary>Passes everything on, and counts how far the phase that runs is.</summary>
public sealed class ProgressMeter(IPromotionProgress shown, TimeProvider clock) : RelayedProgress(shown)
{
    // The tenant's writes wait in these: nothing is done there that the cutover does not need.
    static readonly string[] Pauses = [PhaseName.CutOver, PhaseName.FlipBack];

    readonly Lock gate = new();
    readonly Dictionary<string, ProgressCounter> tables = [];
    ProgressCounter whole = new();
    string? phase;
    string? unit;
    string? waitsFor;
    DateTime since;
    bool isPause;

    /// <summary>
    /// The phase as a whole, and then its tables; nothing while the tenant's writes may wait for the phase. To be called
    /// each second.
    /// </summary>
    public IReadOnlyList<ProgressState> Measure()
    {
        lock (gate)
        {
            if (phase is null || isPause)
                return [];
            if (tables.Count > 0 && !tables.ContainsKey(""))
            {
                whole.Done = tables.Values.Sum(table => table.Done);
                whole.Total = tables.Values.All(table => table.Total is not null)
                    ? tables.Values.Sum(table => Math.Max(table.Total!.Value, table.Done))
                    : null;
            }
            var now = clock.GetUtcNow();
            foreach (var counter in tables.Values.Append(whole).Distinct())
                counter.Measure(now);
            return
            [
                whole.State(phase, "", since, unit, waitsFor),
                .. tables
                    .Where(table => table.Key.Length > 0)
                    .Select(table => table.Value.State(phase, table.Key, since, unit, null)),
            ];
        }
    }

    /// <summary>The tenant's writes may wait for the phase.</summary>
    public bool IsPause
    {
        get
        {
            lock (gate)
                return isPause;
        }
    }

    /// <inheritdoc/>
    public override void PhaseStarted(string name, string title)
    {
        lock (gate)
        {
            (phase, unit, since) = (name, null, clock.GetUtcNow().UtcDateTime);
            isPause = Pauses.Contains(name);
            Restart();
        }
        base.PhaseStarted(name, title);
    }

    /// <inheritdoc/>
    public override void PhaseEnded(string name, string title, TimeSpan took, string? summary)
    {
        lock (gate)
            isPause = false;
        base.PhaseEnded(name, title, took, summary);
    }

    /// <inheritdoc/>
    public override void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables)
    {
        foreach (var (table, _, bytes) in tables)
            Count(table.ToString(), ProgressUnit.Bytes, counter => counter.Total = bytes);
        base.TablesPlanned(tables);
    }

    /// <inheritdoc/>
    public override void Advance(TableName table, long bytes)
    {
        Count(table.ToString(), ProgressUnit.Bytes, counter => counter.Done += bytes);
        base.Advance(table, bytes);
    }

    /// <inheritdoc/>
    public override void Reached(string table, string unit, long done, long? total)
    {
        Count(table, unit, counter => (counter.Done, counter.Total) = (done, total));
        base.Reached(table, unit, done, total);
    }

    /// <inheritdoc/>
    public override void Waits(string? why)
    {
        lock (gate)
            waitsFor = why;
        base.Waits(why);
    }

    // A phase that counts something else than before has begun another step.
    void Count(string table, string counted, Action<ProgressCounter> change)
    {
        lock (gate)
        {
            if (counted != unit)
                Restart();
            unit = counted;
            if (!tables.TryGetValue(table, out var counter))
                tables[table] = counter = table.Length == 0 ? whole : new();
            change(counter);
        }
    }

    void Restart()
    {
        tables.Clear();
        whole = new();
    }
}
