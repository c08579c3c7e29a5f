using System.Collections.Concurrent;
using Dapper;
using Migrator.Demo;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Concurrency;

/// <summary>
/// Applications write without a pause while their tenant moves there and back. What was acknowledged must stand in the
/// database that owns the tenant, once; the other tenants' applications must not notice.
/// </summary>
public sealed class WritersTests(Servers servers)
{
    const string Bolt = "bbbbbbbb-0000-4000-8000-00000000000b";

    [Fact]
    public async Task No_acknowledged_write_is_lost_or_doubled_on_the_way_there_and_back()
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        var random = Seed.Random();
        using var stop = new CancellationTokenSource();
        Writer[] movers =
        [
            .. Enumerable.Range(0, 3).Select(n => new Writer(shop, CrashFixture.Acme, $"a{n}", random.Next())),
        ];
        Writer[] others = [.. Enumerable.Range(0, 2).Select(n => new Writer(shop, Bolt, $"b{n}", random.Next()))];
        var running = movers.Concat(others).Select(writer => Task.Run(() => writer.RunAsync(stop.Token))).ToArray();

        await ProgressAsync(movers);
        await shop.Move.PromoteAsync();
        await ProgressAsync(movers);
        Assert.All(movers, writer => Assert.True(writer.InIsolated));
        await shop.Move.RollBackAsync();
        await ProgressAsync(movers);
        Assert.All(movers, writer => Assert.False(writer.InIsolated));
        await shop.Move.PromoteAsync(validate: false);
        await ProgressAsync(movers);
        await stop.CancelAsync();
        await Task.WhenAll(running);

        await LedgersMustHoldAsync(shop.Isolated, CrashFixture.Acme, movers);
        await LedgersMustHoldAsync(shop.Shared, Bolt, others);
        // The guard turned writers away: it was tried, and the others felt nothing of it.
        Assert.True(movers.Sum(writer => writer.TurnedAway) > 0);
        Assert.Empty(others.SelectMany(writer => writer.Errors));
        Assert.Empty(movers.SelectMany(writer => writer.Errors));
    }

    static async Task LedgersMustHoldAsync(TestDatabase database, string tenant, Writer[] writers)
    {
        var titles = await database.QueryAsync<string>(
            $"""
            SELECT title FROM tasks
            WHERE tenant_id = '{tenant}' AND title NOT LIKE 'Task %' ORDER BY title COLLATE "C"
            """
        );
        Assert.Equal(writers.SelectMany(writer => writer.Ledger.Values).Order(StringComparer.Ordinal), titles);
        // The application's trigger has recorded each write once, on whichever side it was.
        Assert.Equal(
            writers.Sum(writer => writer.Acknowledged),
            await database.ScalarAsync<int>(
                $"SELECT count(*) FROM history WHERE tenant_id = '{tenant}' AND what LIKE '% tasks'"
            )
        );
    }

    static async Task ProgressAsync(Writer[] writers)
    {
        var before = writers.Select(writer => writer.Acknowledged).ToArray();
        await Waiting.UntilAsync(
            () => writers.Zip(before).All(pair => pair.First.Acknowledged >= pair.Second + 20),
            () => "The writers stand still: " + string.Join("; ", writers.SelectMany(writer => writer.Errors))
        );
    }

    /// <summary>One application process of one tenant.</summary>
    sealed class Writer(CrashFixture shop, string tenant, string name, int seed)
    {
        readonly Random random = new(seed);

        /// <summary>What must be there: for each row its title.</summary>
        public Dictionary<int, string> Ledger { get; } = [];

        public ConcurrentQueue<string> Errors { get; } = [];

        public int Acknowledged { get; private set; }

        public int TurnedAway { get; private set; }

        public bool InIsolated { get; private set; }

        public async Task RunAsync(CancellationToken stop)
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                var (row, title, sql) = Next(number);
                if (!await WrittenAsync(sql, title, row, stop))
                    return;
                Acknowledged++;
                if (title is null)
                    Ledger.Remove(row);
                else
                    Ledger[row] = title;
            }
        }

        (int Row, string? Title, string Sql) Next(int number)
        {
            var old = Ledger.Count == 0 ? -1 : Ledger.Keys.ElementAt(random.Next(Ledger.Count));
            return random.Next(old < 0 ? 1 : 4) switch
            {
                2 => (
                    old,
                    $"{name} {old} changed {number}",
                    "UPDATE tasks SET title = @title WHERE title = @was AND tenant_id = @tenant"
                ),
                3 => (old, null, "DELETE FROM tasks WHERE title = @was AND tenant_id = @tenant"),
                _ => (
                    number,
                    $"{name} {number}",
                    """
                    INSERT INTO tasks (tenant_id, project_id, title) SELECT @tenant, min(id), @title FROM projects
                        WHERE tenant_id = @tenant
                    """
                ),
            };
        }

        async Task<bool> WrittenAsync(string sql, string? title, int row, CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
                try
                {
                    await using var connection = await (InIsolated ? shop.Isolated : shop.Shared).OpenAsync(
                        SampleDatabase.Application
                    );
                    await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
                    await connection.ExecuteAsync(
                        "SELECT set_config('app.current_tenant_id', @tenant, true)",
                        new { tenant }
                    );
                    var rows = await connection.ExecuteAsync(
                        sql,
                        new
                        {
                            tenant = Guid.Parse(tenant),
                            title,
                            was = Ledger.GetValueOrDefault(row),
                        }
                    );
                    if (rows != 1)
                        Errors.Enqueue($"{sql} found {rows} rows for {Ledger.GetValueOrDefault(row)}");
                    await transaction.CommitAsync(CancellationToken.None);
                    return true;
                }
                catch (PostgresException e)
                    when (tenant == CrashFixture.Acme
                        && e.SqlState
                            is PostgresErrorCodes.ReadOnlySqlTransaction
                                or PostgresErrorCodes.SerializationFailure
                    )
                {
                    TurnedAway++;
                    InIsolated =
                        await shop.Shared.ScalarAsync<string>(
                            $"SELECT isolation_mode FROM tenants WHERE id = '{tenant}'",
                            role: SampleDatabase.Application
                        ) == "isolated";
                    await Task.Delay(20, CancellationToken.None);
                }
                catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
                {
                    Errors.Enqueue($"{name}: {e.Message}");
                    return false;
                }
            return false;
        }
    }
}
