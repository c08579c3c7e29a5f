using System.Collections.Concurrent;
using Dapper;
using Migrator.Demo;
using Migrator.Tests.Crashes;
using Npgsql;

namespace Migrator.Tests.Concurrency;

/// <summary>One application process of one tenant.</summary>
sealed class TaskWriter(CrashFixture shop, string tenant, string name, int seed)
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
                await WriteAsync(sql, title, Ledger.GetValueOrDefault(row));
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
                InIsolated = await LookUpAsync();
                await Task.Delay(20, CancellationToken.None);
            }
            catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
            {
                Errors.Enqueue($"{name}: {e.Message}");
                return false;
            }
        return false;
    }

    async Task WriteAsync(string sql, string? title, string? was)
    {
        await using var connection = await (InIsolated ? shop.Isolated : shop.Shared).OpenAsync(
            SampleDatabase.Application
        );
        await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
        await connection.ExecuteAsync("SELECT set_config('app.current_tenant_id', @tenant, true)", new { tenant });
        var rows = await connection.ExecuteAsync(
            sql,
            new
            {
                tenant = Guid.Parse(tenant),
                title,
                was,
            }
        );
        if (rows != 1)
            Errors.Enqueue($"{sql} found {rows} rows for {was}");
        await transaction.CommitAsync(CancellationToken.None);
    }

    async Task<bool> LookUpAsync() =>
        await shop.Shared.ScalarAsync<string>(
            $"SELECT isolation_mode FROM tenants WHERE id = '{tenant}'",
            role: SampleDatabase.Application
        ) == "isolated";
}
