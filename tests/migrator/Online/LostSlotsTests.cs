using Dapper;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>A slot that is given up or lost costs the stream: the tenant goes on where it is, and nothing is lost.</summary>
public sealed class LostSlotsTests(Servers servers)
{
    const string MuchLog =
        "SELECT count(pg_logical_emit_message(false, 'noise', repeat('x', 1000000))) FROM generate_series(1, 70)";

    const string DropSlots =
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()";

    [Fact]
    public async Task More_log_than_max_wal_allows_gives_the_slot_up_and_not_the_tenant()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);

        var failure = await Assert.ThrowsAsync<StreamLostException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.BuildSchema,
                () => WriteMuchLogAsync(move.Shared),
                move.Options() with
                {
                    MaxWal = 30_000_000,
                }
            )
        );

        Assert.Contains("--max-wal", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await CrashedMove.SlotsAsync(move.Shared));
        await move.MustGoOnInSharedAsync();
        await move.PromoteAsync(validate: false);
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        await move.MustBeIsolatedAsync();
    }

    // Until the promotion has asked how much the slot holds, and has been told.
    static async Task WriteMuchLogAsync(TestDatabase shared)
    {
        await shared.ExecuteAsync(MuchLog);
        var written = await shared.ScalarAsync<DateTime>("SELECT clock_timestamp()");
        await Waiting.UntilAsync(
            shared,
            """
            SELECT EXISTS (
                SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'tp/%' AND state = 'idle'
                    AND query LIKE '%WalHeldBytes%' AND query_start > @written)
            """,
            new { written }
        );
    }

    [Theory]
    [SoakData(PhaseName.CatchUp)]
    [InlineData(PhaseName.BuildSchema)]
    public async Task A_slot_whose_log_the_server_has_removed_is_given_up_and_the_copy_made_anew(string phase)
    {
        await using var server = await StartForgetfulServerAsync();
        await using var move = await FaultsWriter.MoveOnAsync(server, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        var lost = false;

        var failure = await Record.ExceptionAsync(() =>
            move.PromoteMeddledAsync(phase, async () => lost = await LoseSlotAsync(move))
        );

        Assert.True(lost, $"The slot was not lost: {failure}");
        var said = failure is MigratorException stopped ? stopped.Message : string.Join('\n', move.Watched.Warnings);
        Assert.Contains(
            failure is MigratorException ? "max_slot_wal_keep_size" : "copied again",
            said,
            StringComparison.Ordinal
        );
        if (failure is MigratorException)
        {
            await move.MustGoOnInSharedAsync();
            Assert.Empty(await CrashedMove.SlotsAsync(move.Shared));
            await move.PromoteAsync(validate: false);
        }
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        await move.MustBeIsolatedAsync();
    }

    /// <summary>A server that keeps little of its log for slots.</summary>
    static async Task<EmbeddedCluster> StartForgetfulServerAsync()
    {
        var server = await EmbeddedCluster.StartAsync(
            await PostgresBinaries.FindOrInstallAsync(),
            new Dictionary<string, string>(EmbeddedCluster.FastSettings)
            {
                ["max_slot_wal_keep_size"] = "16MB",
                ["max_wal_size"] = "64MB",
            }
        );
        await Servers.CreateRolesAsync(server);
        return server;
    }

    static async Task<bool> LoseSlotAsync(TenantMove move)
    {
        var postgres = new TestDatabase(move.Shared.Cluster, "postgres", EmbeddedCluster.Superuser);
        var lost = false;
        await move.Shared.ExecuteAsync(MuchLog);
        for (var n = 0; n < 5 && !lost; n++)
        {
            await postgres.ExecuteAsync("SELECT pg_switch_wal()");
            await postgres.ExecuteAsync("CHECKPOINT;");
            lost = await postgres.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE wal_status = 'lost')"
            );
        }
        return lost;
    }

    [Theory]
    [InlineData(PhaseName.CatchUpReverse)]
    [SoakData(PhaseName.VerifyReverse)]
    [SoakData(PhaseName.FlipBack)]
    public async Task A_slot_that_is_lost_on_the_way_home_costs_the_stream_and_not_the_rows(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("UPDATE tasks SET title = 'apart' WHERE id < 20");

        await move.RollBackMeddledAsync(phase, () => move.Isolated.ExecuteAsync(DropSlots));

        Assert.True(move.Watched.HasWarned("max_slot_wal_keep_size"));
        Assert.Contains(PhaseName.ReconcileShared, move.Watched.Phases);
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        await move.MustBeHomeAsync();
    }

    [Fact]
    public async Task The_way_home_by_stream_is_open_also_after_a_copy_that_was_made_anew()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await FailInThePauseAsync(move);
        await move.Shared.ExecuteAsync(DropSlots);
        await move.PromoteAsync(validate: false);
        Assert.Contains(PhaseName.CopyData, move.Watched.Phases);
        await move.Isolated.ExecuteAsync("UPDATE tasks SET title = 'apart' WHERE id < 20");

        await move.RollBackAsync();

        Assert.DoesNotContain(PhaseName.ReconcileShared, move.Watched.Phases);
        Assert.Equal(
            ["apart."],
            await move.Shared.QueryAsync<string>("SELECT DISTINCT title FROM tasks WHERE tenant_id = 1 AND id < 20")
        );
        await move.MustBeHomeAsync();
    }

    // An attempt that gets far enough to open the way home.
    static async Task FailInThePauseAsync(TenantMove move)
    {
        await using var holding = await move.Shared.OpenAsync();
        NpgsqlTransaction? transaction = null;
        await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.CutOver,
                async () =>
                {
                    transaction = await holding.BeginTransactionAsync();
                    await holding.ExecuteAsync("UPDATE labels SET label = 'held' WHERE tenant_id = 1");
                },
                move.Options(maxPause: TimeSpan.FromMilliseconds(200))
            )
        );
        await transaction!.RollbackAsync();
    }
}
