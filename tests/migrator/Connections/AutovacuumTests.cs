using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Connections;

/// <summary>An autovacuum ends only for those who wait a second, and no writer is to queue behind them.</summary>
public sealed class AutovacuumTests
{
    static readonly TableName Notes = new("public", "notes");

    // One page each tenth of a second.
    const string Schema = """
        CREATE TABLE notes (id int PRIMARY KEY, body text)
            WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
                  autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
        INSERT INTO notes SELECT n, repeat('x', 900) FROM generate_series(1, 20000) n;
        UPDATE notes SET body = 'short' WHERE id % 2 = 0;
        """;

    static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>(
        EmbeddedCluster.FastSettings
    )
    {
        ["autovacuum"] = "on",
        ["autovacuum_naptime"] = "1s",
    };

    [Fact]
    public async Task No_writer_waits_while_an_autovacuum_is_waited_for_and_a_writer_does_not_protect_it()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var server = await EmbeddedCluster.StartAsync(
            await PostgresBinaries.FindOrInstallAsync(),
            Settings,
            cancellationToken
        );
        await using var database = await TestDatabase.CreateAsync(server, "vacuumed", EmbeddedCluster.Superuser);
        await database.ExecuteAsync(Schema);
        await using var neighbour = await database.OpenAsync();
        await using var connection = await database.OpenAsync();
        await Waiting.UntilAsync(() => LockHolders.HasAutovacuumAsync(neighbour, Notes, cancellationToken));
        await using var writes = await database.OpenAsync();
        await using var transaction = await writes.BeginTransactionAsync(cancellationToken);
        await writes.ExecuteAsync("UPDATE notes SET body = 'long' WHERE id = 1", cancellationToken);
        var (tries, looked) = (0, new TaskCompletionSource());

        var locking = TableLock.RunAsync(
            connection,
            Notes,
            async token =>
            {
                if (++tries > 1)
                    await looked.Task;
                return await connection.ExecuteAsync("LOCK TABLE notes IN SHARE ROW EXCLUSIVE MODE", token);
            },
            TimeProvider.System,
            cancellationToken
        );
        await Waiting.UntilAsync(() => IsAwaitedAsync(neighbour, connection));
        await transaction.CommitAsync(cancellationToken);
        var written = 0;
        while (await IsAwaitedAsync(neighbour, connection))
        {
            await using var writing = await neighbour.BeginTransactionAsync(cancellationToken);
            await neighbour.ExecuteAsync("LOCK TABLE notes IN ROW EXCLUSIVE MODE NOWAIT", cancellationToken);
            written++;
        }

        looked.SetResult();
        Assert.True(written > 0, "The autovacuum was not waited for.");
        await locking;
    }

    static Task<bool> IsAwaitedAsync(NpgsqlConnection connection, NpgsqlConnection waiting) =>
        connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_locks WHERE pid = @pid AND NOT granted AND mode = 'ShareUpdateExclusiveLock')
            """,
            new { pid = waiting.ProcessID },
            TestContext.Current.CancellationToken
        );
}
