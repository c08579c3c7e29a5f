using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Settings;

namespace Migrator;

/// <summary>Writes each second into the journal how far a run is.</summary>
/// <param name="run">The promotion and its run; null as long as it has not begun.</param>
sealed class ProgressNotes(
    Databases databases,
    ProgressMeter meter,
    Func<(long Promotion, long Run)?> run,
    IReadOnlyList<Hook> hooks,
    TimeProvider clock
) : SideLine(databases.SharedServer, Interval, clock)
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    static readonly TimeSpan SayInterval = TimeSpan.FromSeconds(10);

    readonly StallWatch stalls = new(hooks, clock);
    readonly Dictionary<string, ProgressState> written = [];
    long said = clock.GetTimestamp();
    (long, long, string, DateTime, string?) about;

    /// <inheritdoc/>
    protected override async Task TickAsync(CancellationToken cancellationToken)
    {
        if (meter.Measure() is not [var whole, ..] states)
            return;
        meter.Measured(whole);
        if (Clock.GetElapsedTime(said) >= SayInterval)
        {
            said = Clock.GetTimestamp();
            meter.Progressed(whole);
        }
        if (run() is not { } who)
            return;
        var now = (who.Promotion, who.Run, whole.Phase, whole.Since, whole.Unit);
        var begins = now != about;
        if (begins)
            written.Clear();
        // The phase's own row is the sign of life; a table that has not moved stands there already.
        ProgressState[] moved = [.. states.Where(state => state.Table.Length == 0 || HasMoved(state))];
        var connection = await ConnectAsync(cancellationToken);
        await ProgressJournal.WriteAsync(connection, who, moved, begins, cancellationToken);
        about = now;
        await OutboxJournal.AddAsync(
            connection,
            who.Promotion,
            HookEvent.Stalled,
            stalls.Look(whole),
            whole.WaitsFor,
            cancellationToken
        );
        foreach (var state in moved)
            written[state.Table] = state;
    }

    bool HasMoved(ProgressState state) =>
        !written.TryGetValue(state.Table, out var before) || (before.Done, before.Total) != (state.Done, state.Total);
}
