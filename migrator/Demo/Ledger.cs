using System.Collections.Concurrent;
using Dapper;
using Npgsql;

namespace Migrator.Demo;

/// <summary>
/// Records each acknowledged write of the <see cref="Application"/>, and checks that it is there, once, in the
/// database that owns its tenant. Also checks that rows without a write have not changed.
/// </summary>
public sealed class Ledger
{
    /// <summary>The prefix of the content of every row of the application.</summary>
    public const string Mark = "application ";

    const int Most = 20;

    readonly ConcurrentQueue<LedgerEntry> entries = new();
    readonly NpgsqlDataSource shared;
    readonly string moving;
    readonly IReadOnlyDictionary<(string Tenant, string Table), string> untouched;

    Ledger(
        NpgsqlDataSource shared,
        string moving,
        TimeProvider clock,
        IReadOnlyDictionary<(string Tenant, string Table), string> untouched
    ) => (this.shared, this.moving, Clock, this.untouched) = (shared, moving, clock, untouched);

    public TimeProvider Clock { get; }

    /// <summary>Opens a ledger before the first write, and records the present rows.</summary>
    /// <param name="shared">The shared database, as a role that sees every row. The caller disposes it.</param>
    /// <param name="moving">The key of the tenant that moves.</param>
    public static async Task<Ledger> OpenAsync(
        NpgsqlDataSource shared,
        string moving,
        TimeProvider clock,
        CancellationToken cancellationToken
    ) => new(shared, moving, clock, await UntouchedAsync(shared, cancellationToken));

    public void Note(LedgerEntry entry) => entries.Enqueue(entry);

    /// <summary>
    /// How long no database took the tenant's writes, as the application sees it: from the beginning of the
    /// first write that was refused and then committed in the new database, to the new database's first
    /// acknowledgement.
    /// </summary>
    /// <param name="database">The new database.</param>
    /// <param name="since">A moment before the promotion, when the tenant was in the old database.</param>
    /// <returns>Null if the new database has not acknowledged a write.</returns>
    public TimeSpan? Pause(string database, long since)
    {
        var moved = entries
            .Where(entry => entry.Known && entry.Tenant == moving && entry.Database == database && entry.Ended >= since)
            .ToArray();
        if (moved.MinBy(entry => entry.Ended) is not { } first)
            return null;
        return Clock.GetElapsedTime(
            moved.Where(entry => entry.Attempts > 1).Select(entry => entry.Started).Append(first.Started).Min(),
            first.Ended
        );
    }

    /// <summary>
    /// Median, 95th percentile and maximum, in milliseconds, of the writes acknowledged between two moments.
    /// </summary>
    public (double Median, double P95, double Longest)? Latency(bool ofMoving, long from, long to)
    {
        var times = entries
            .Where(entry =>
                entry.Known && entry.Tenant == moving == ofMoving && entry.Ended >= from && entry.Ended < to
            )
            .Select(entry => Clock.GetElapsedTime(entry.Started, entry.Ended).TotalMilliseconds)
            .Order()
            .ToArray();
        return times.Length == 0 ? null : (times[times.Length / 2], times[times.Length * 95 / 100], times[^1]);
    }

    /// <summary>The number of writes acknowledged between two moments.</summary>
    public int Writes(bool ofMoving, long from, long to) =>
        entries.Count(entry =>
            entry.Known && entry.Tenant == moving == ofMoving && entry.Ended >= from && entry.Ended < to
        );

    /// <summary>Compares the ledger with the databases. There must be no writer meanwhile.</summary>
    /// <param name="isolated">The database that owns the moving tenant now; null if that is the shared one.</param>
    public async Task<CheckResult> CheckAsync(NpgsqlDataSource? isolated, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        var found = await FoundAsync(isolated, faults, cancellationToken);
        var expected = Replay();
        foreach (var entry in entries.Where(entry => !entry.Known))
            Reconcile(entry, expected, found, faults);
        foreach (var ((tenant, table, key), content) in expected)
            if (!found.TryGetValue((tenant, table, key), out var there))
                faults.Add($"{table}: {key} ({content}) was acknowledged, but is not there.");
            else if (there != content)
                faults.Add($"{table}: {key} is '{there}', but '{content}' was acknowledged.");
        foreach (var (row, content) in found)
            if (!expected.ContainsKey(row))
                faults.Add($"{row.Table}: {row.Key} ({content}) is there, but was never acknowledged or was deleted.");
        faults.AddRange(Touched(await UntouchedAsync(isolated, faults, cancellationToken)));

        RowCounts Of(Func<string, bool> tenant) =>
            new(
                entries.Count(entry => entry.Known && tenant(entry.Tenant)),
                expected.Keys.Count(row => tenant(row.Tenant)),
                entries.Count(entry => !entry.Known && tenant(entry.Tenant))
            );
        return new(Of(tenant => tenant == moving), Of(tenant => tenant != moving), [.. faults.Take(Most)]);
    }

    async Task<Dictionary<(string Tenant, string Table, string Key), string>> FoundAsync(
        NpgsqlDataSource? isolated,
        List<string> faults,
        CancellationToken cancellationToken
    )
    {
        var found = new Dictionary<(string Tenant, string Table, string Key), string>();
        foreach (
            var (tenant, table, key, content) in await OfOwnersAsync<(
                string Tenant,
                string Table,
                string Key,
                string Content
            )>(isolated, LedgerRows.Written, row => row.Tenant, faults, cancellationToken)
        )
            if (!found.TryAdd((tenant, table, key), content))
                faults.Add($"{table}: {key} ({content}) is there twice.");
        return found;
    }

    IEnumerable<string> Touched(Dictionary<(string Tenant, string Table), string> now)
    {
        foreach (var part in untouched.Keys.Union(now.Keys))
            if (
                untouched.GetValueOrDefault(part) is var then
                && now.GetValueOrDefault(part) is var today
                && then != today
            )
                yield return $"{part.Table} of tenant {part.Tenant}: {today ?? "nothing"} besides the application's rows; "
                    + $"before: {then ?? "nothing"}.";
    }

    // Each row has one writer, so the order of the queue is the order of its changes.
    Dictionary<(string Tenant, string Table, string Key), string> Replay()
    {
        var rows = new Dictionary<(string, string, string), string>();
        foreach (var entry in entries.Where(entry => entry.Known))
        foreach (var change in entry.Changes)
            if (change.Content is null)
                rows.Remove((entry.Tenant, change.Table, change.Key));
            else
                rows[(entry.Tenant, change.Table, change.Key)] = change.Content;
        return rows;
    }

    // Both outcomes are right, committed or not; half of a transaction is not.
    static void Reconcile(
        LedgerEntry entry,
        Dictionary<(string, string, string), string> expected,
        Dictionary<(string, string, string), string> found,
        List<string> faults
    )
    {
        bool Stands(Func<RowChange, string?> side) =>
            entry.Changes.All(change =>
                found.GetValueOrDefault((entry.Tenant, change.Table, change.Key)) == side(change)
            );
        if (!Stands(change => change.Content))
        {
            if (!Stands(change => change.Was))
                faults.Add(
                    $"Half a transaction: "
                        + $"{string.Join(", ", entry.Changes.Select(change => $"{change.Table} {change.Key}"))}."
                );
            return;
        }
        foreach (var change in entry.Changes)
            if (change.Content is null)
                expected.Remove((entry.Tenant, change.Table, change.Key));
            else
                expected[(entry.Tenant, change.Table, change.Key)] = change.Content;
    }

    async Task<Dictionary<(string Tenant, string Table), string>> UntouchedAsync(
        NpgsqlDataSource? isolated,
        List<string> faults,
        CancellationToken cancellationToken
    ) =>
        (
            await OfOwnersAsync<(string Tenant, string Table, string Content)>(
                isolated,
                LedgerRows.Untouched,
                row => row.Tenant,
                faults,
                cancellationToken
            )
        ).ToDictionary(row => (row.Tenant, row.Table), row => row.Content);

    static async Task<Dictionary<(string Tenant, string Table), string>> UntouchedAsync(
        NpgsqlDataSource shared,
        CancellationToken cancellationToken
    ) =>
        (
            await ReadAsync<(string Tenant, string Table, string Content)>(
                shared,
                LedgerRows.Untouched,
                cancellationToken
            )
        ).ToDictionary(row => (row.Tenant, row.Table), row => row.Content);

    // The moving tenant's rows come from its owner, all other rows from the shared database. The remaining copy
    // belongs to no tenant.
    async Task<IReadOnlyList<T>> OfOwnersAsync<T>(
        NpgsqlDataSource? isolated,
        string sql,
        Func<T, string> tenantOf,
        List<string> faults,
        CancellationToken cancellationToken
    )
    {
        var rows = await ReadAsync<T>(shared, sql, cancellationToken);
        if (isolated is null)
            return rows;
        var moved = await ReadAsync<T>(isolated, sql, cancellationToken);
        faults.AddRange(
            moved
                .Where(row => tenantOf(row) != moving)
                .Select(row => $"A row of another tenant is in the isolated database: {row}.")
        );
        return [.. rows.Where(row => tenantOf(row) != moving), .. moved.Where(row => tenantOf(row) == moving)];
    }

    static async Task<IReadOnlyList<T>> ReadAsync<T>(
        NpgsqlDataSource database,
        string sql,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // A row's text must be equal in both databases.
        await connection.ExecuteAsync("SET TimeZone = 'UTC'");
        return (
            await connection.QueryAsync<T>(
                new CommandDefinition(
                    sql,
                    new { Like = Mark + "%" },
                    commandTimeout: 0,
                    cancellationToken: cancellationToken
                )
            )
        ).AsList();
    }
}
