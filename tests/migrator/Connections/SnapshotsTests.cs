using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Tests.Support;
using Npgsql;
using Npgsql.Replication;

namespace Migrator.Tests.Connections;

/// <summary>What a snapshot shows can be asked again later, whoever has made the snapshot.</summary>
public sealed class SnapshotsTests
{
    // On a server of its own, because a slot waits for the transactions of all databases: others would shift the steps.
    static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>(
        EmbeddedCluster.FastSettings
    )
    {
        ["autovacuum"] = "off",
    };

    // A slot waits for the transactions that run when it is created, and then for those that run meanwhile. One that is
    // rolled back in between does not move the end of its snapshot, and the beginning is behind that.
    [Fact]
    public async Task The_snapshot_of_a_slot_can_be_read_back()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var server = await EmbeddedCluster.StartAsync(
            await PostgresBinaries.FindOrInstallAsync(),
            Settings,
            cancellationToken
        );
        await using var database = await TestDatabase.CreateAsync(server, "snapshot", EmbeddedCluster.Superuser);
        await using var first = await database.OpenAsync();
        await using var second = await database.OpenAsync();
        await using var last = await database.OpenAsync();
        await BeginAsync(first);
        await using var replication = new LogicalReplicationConnection(database.ConnectionString());
        await replication.Open(cancellationToken);
        var creation = replication.CreatePgOutputReplicationSlot(
            "snapshot_" + Guid.NewGuid().ToString("n"),
            temporarySlot: true,
            slotSnapshotInitMode: LogicalSlotSnapshotInitMode.Export,
            cancellationToken: cancellationToken
        );
        await UntilAwaitedAsync(database, first);
        await BeginAsync(second);
        await first.ExecuteAsync("COMMIT TRANSACTION", cancellationToken);
        await UntilAwaitedAsync(database, second);
        await BeginAsync(last);
        var rolledBack = await XidAsync(last);
        await last.ExecuteAsync("ROLLBACK TRANSACTION", cancellationToken);
        await BeginAsync(last);
        var running = await XidAsync(last);
        await second.ExecuteAsync("COMMIT TRANSACTION", cancellationToken);
        var slot = await creation;
        await using var reader = await database.OpenAsync();
        await using var transaction = await Snapshots.BeginAsync(reader, slot.SnapshotName!, cancellationToken);

        var snapshot = await Snapshots.CurrentAsync(reader, cancellationToken);

        Assert.True(await IsShownAsync(database, rolledBack, snapshot));
        Assert.False(await IsShownAsync(database, running, snapshot));
    }

    static async Task BeginAsync(NpgsqlConnection session)
    {
        await session.ExecuteAsync("BEGIN TRANSACTION", TestContext.Current.CancellationToken);
        await XidAsync(session);
    }

    static async Task<string> XidAsync(NpgsqlConnection session) =>
        (
            await session.ExecuteScalarAsync<string>(
                "SELECT pg_current_xact_id()::text",
                TestContext.Current.CancellationToken
            )
        )!;

    static Task UntilAwaitedAsync(TestDatabase database, NpgsqlConnection session) =>
        Waiting.UntilAsync(
            database,
            """
            SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND @pid = ANY (pg_blocking_pids(pid)))
            """,
            new { pid = session.ProcessID }
        );

    static Task<bool> IsShownAsync(TestDatabase database, string xid, string snapshot) =>
        database.ScalarAsync<bool>(
            "SELECT pg_visible_in_snapshot(CAST(@xid AS xid8), CAST(@snapshot AS pg_snapshot))",
            new { xid, snapshot }
        );
}
