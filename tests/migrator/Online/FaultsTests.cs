using Dapper;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>
/// What servers, operators and accidents do to a promotion under way. It goes on, or stops and says why; the tenant
/// never does.
/// </summary>
public sealed class FaultsTests(Servers servers)
{
    [Theory]
    [InlineData("UPDATE tasks SET title = 'planted' WHERE id = 4", "public.tasks: id=4")]
    [InlineData("DELETE FROM comments WHERE id = 6", "public.comments: id=6")]
    [InlineData("INSERT INTO labels VALUES (99, 1, 'planted')", "public.labels: id=99")]
    public async Task A_row_corrupted_before_the_verification_stops_it_with_its_key(string corruption, string named)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.Verify, corruption)
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
        await MustGoOnInSharedAsync(move);
    }

    [Fact]
    public async Task A_row_corrupted_among_those_touched_since_the_verification_is_found_in_the_pause()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);

        // The stream leaves out the large value that the change left alone, so it does not mend it.
        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.CutOver,
                async () =>
                {
                    await move.MeddleAsync("UPDATE tasks SET document = 'planted' WHERE id = 4");
                    await move.Shared.ExecuteAsync("UPDATE tasks SET title = 'touched' WHERE id = 4");
                }
            )
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.tasks: id=4", failure.Message, StringComparison.Ordinal);
        await MustGoOnInSharedAsync(move);
    }

    [Fact]
    public async Task A_row_corrupted_among_those_that_a_failed_attempt_has_touched_is_found_by_the_next()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using var holding = await move.Shared.OpenAsync();
        NpgsqlTransaction? transaction = null;
        var promotion = Task.Run(() =>
            move.PromoteMeddledAsync(
                PhaseName.CutOver,
                async () =>
                {
                    await move.Shared.ExecuteAsync("UPDATE tasks SET title = 'touched' WHERE id = 4");
                    transaction = await holding.BeginTransactionAsync();
                    await holding.ExecuteAsync("UPDATE labels SET label = 'held' WHERE tenant_id = 1");
                },
                move.Options(maxPause: TimeSpan.FromSeconds(3))
            )
        );
        await Waiting.UntilAsync(() => move.Watched.HasWarned("did not close"));
        await move.MeddleAsync("UPDATE tasks SET title = 'planted' WHERE id = 4");
        await transaction!.RollbackAsync();

        var failure = await Assert.ThrowsAsync<MigratorException>(() => promotion);

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.tasks: id=4", failure.Message, StringComparison.Ordinal);
        await MustGoOnInSharedAsync(move);
    }

    [Fact]
    public async Task A_row_corrupted_among_those_that_nobody_touched_is_found_at_the_flip()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.CutOver, "UPDATE tasks SET title = 'planted' WHERE id = 4")
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.tasks: id=4", failure.Message, StringComparison.Ordinal);
        Assert.Contains("The tenant is flipped", failure.Message, StringComparison.Ordinal);
        Assert.True(await move.IsIsolatedAsync());
        Assert.Equal("moved", await move.GuardAsync());

        // Saying it again does not make it right, nor is the only good row deleted.
        foreach (var verb in (Func<Task>[])[() => move.PromoteAsync(validate: false), () => move.FinalizeAsync()])
            Assert.Contains(
                "public.tasks",
                (await Assert.ThrowsAsync<MigratorException>(verb)).Message,
                StringComparison.Ordinal
            );
        Assert.NotEqual("planted", await move.Shared.ScalarAsync<string>("SELECT title FROM tasks WHERE id = 4"));
        await move.FinalizeAsync(force: true);
        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM tasks WHERE tenant_id = 1"));
    }

    [Theory]
    [InlineData("copy", "ALTER TABLE tasks ADD COLUMN extra int DEFAULT 1")]
    [InlineData(PhaseName.CatchUp, "ALTER TABLE tasks ADD COLUMN extra int")]
    [InlineData(PhaseName.Verify, "CREATE UNIQUE INDEX ON tasks (id, title)")]
    [InlineData(PhaseName.CutOver, "ALTER TABLE tasks ADD COLUMN extra int DEFAULT 1")]
    public async Task A_change_of_a_table_costs_its_copy_and_nothing_is_lost(string phase, string change)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);

        await move.PromoteMeddledAsync(phase, () => move.Shared.ExecuteAsync(change));

        await writer.ResumeAsync();
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareSchemasAsync());
        await move.MustBeIsolatedAsync();
    }

    [Theory]
    [InlineData(PhaseName.CatchUp)]
    [InlineData(PhaseName.CutOver)]
    public async Task A_change_of_the_schema_stops_it_and_nothing_is_lost(string phase)
    {
        const string change = "CREATE TABLE parcels (id bigint PRIMARY KEY, tenant_id bigint REFERENCES tenants)";
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                phase,
                async () =>
                {
                    await move.Shared.ExecuteAsync(change);
                    await move.Shared.ExecuteAsync("UPDATE tasks SET title = 'after' WHERE id = 4");
                }
            )
        );

        Assert.Equal(ExitCode.Failed, failure.Code);
        Assert.Contains("schema has changed", failure.Message, StringComparison.Ordinal);
        await MustGoOnInSharedAsync(move);
        await writer.ResumeAsync();
        await move.RollBackAsync();
        await move.MustBeHomeAsync();
        await move.PromoteAsync(validate: false);
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareSchemasAsync());
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_stream_whose_sender_is_ended_again_and_again_goes_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        var cuts = new List<Task<int>>();
        using var ended = new CancellationTokenSource();

        await move.PromoteAsync(
            move.Options(),
            phase =>
            {
                if (phase is PhaseName.CatchUp or PhaseName.Verify or PhaseName.CutOver && cuts.Count < 4)
                    cuts.Add(CutAsync(move.Shared, ended.Token));
            }
        );

        await ended.CancelAsync();
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        Assert.InRange((await Task.WhenAll(cuts)).Sum(), 2, 4);
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task More_log_than_max_wal_allows_gives_the_slot_up_and_not_the_tenant()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);

        var failure = await Assert.ThrowsAsync<StreamLostException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.BuildSchema,
                async () =>
                {
                    await move.Shared.ExecuteAsync(MuchLog);
                    var written = await move.Shared.ScalarAsync<DateTime>("SELECT clock_timestamp()");
                    // Until the promotion has asked how much the slot holds, and has been told.
                    await Waiting.UntilAsync(
                        move.Shared,
                        """
                        SELECT EXISTS (
                            SELECT FROM pg_stat_activity
                            WHERE datname = current_database() AND application_name LIKE 'tp/%' AND state = 'idle'
                                AND query LIKE '%WalHeldBytes%' AND query_start > @written)
                        """,
                        new { written }
                    );
                },
                move.Options() with
                {
                    MaxWal = 30_000_000,
                }
            )
        );

        Assert.Contains("--max-wal", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await CrashedMove.SlotsAsync(move.Shared));
        await MustGoOnInSharedAsync(move);
        await move.PromoteAsync(validate: false);
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        await move.MustBeIsolatedAsync();
    }

    [Theory]
    [InlineData(PhaseName.CatchUp)]
    [InlineData(PhaseName.BuildSchema)]
    public async Task A_slot_whose_log_the_server_has_removed_is_given_up_and_the_copy_made_anew(string phase)
    {
        await using var server = await EmbeddedCluster.StartAsync(
            await PostgresBinaries.FindOrInstallAsync(),
            new Dictionary<string, string>(EmbeddedCluster.FastSettings)
            {
                ["max_slot_wal_keep_size"] = "16MB",
                ["max_wal_size"] = "64MB",
            }
        );
        await Servers.CreateRolesAsync(server);
        await using var move = await FaultsWriter.MoveOnAsync(server, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        var postgres = new TestDatabase(server, "postgres", EmbeddedCluster.Superuser);
        var lost = false;

        var failure = await Record.ExceptionAsync(() =>
            move.PromoteMeddledAsync(
                phase,
                async () =>
                {
                    await move.Shared.ExecuteAsync(MuchLog);
                    for (var n = 0; n < 5 && !lost; n++)
                    {
                        await postgres.ExecuteAsync("SELECT pg_switch_wal()");
                        await postgres.ExecuteAsync("CHECKPOINT;");
                        lost = await postgres.ScalarAsync<bool>(
                            "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE wal_status = 'lost')"
                        );
                    }
                }
            )
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
            await MustGoOnInSharedAsync(move);
            Assert.Empty(await CrashedMove.SlotsAsync(move.Shared));
            await move.PromoteAsync(validate: false);
        }
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        await move.MustBeIsolatedAsync();
    }

    [Theory]
    [InlineData(PhaseName.CatchUpReverse)]
    [InlineData(PhaseName.VerifyReverse)]
    [InlineData(PhaseName.FlipBack)]
    public async Task A_slot_that_is_lost_on_the_way_home_costs_the_stream_and_not_the_rows(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("UPDATE tasks SET title = 'apart' WHERE id < 20");

        await move.RollBackMeddledAsync(
            phase,
            () =>
                move.Isolated.ExecuteAsync(
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
                )
        );

        Assert.True(move.Watched.HasWarned("max_slot_wal_keep_size"));
        Assert.Contains(PhaseName.ReconcileShared, move.Watched.Phases);
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        await move.MustBeHomeAsync();
    }

    [Fact]
    public async Task The_way_home_by_stream_is_open_also_after_a_copy_that_was_made_anew()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using (var holding = await move.Shared.OpenAsync())
        {
            // An attempt that gets far enough to open the way home, and then loses its slot.
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
        await move.Shared.ExecuteAsync(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
        );
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

    const string Schema = FaultsWriter.Schema;

    const string MuchLog =
        "SELECT count(pg_logical_emit_message(false, 'noise', repeat('x', 1000000))) FROM generate_series(1, 70)";

    static async Task MustGoOnInSharedAsync(TenantMove move)
    {
        Assert.False(await move.IsIsolatedAsync());
        Assert.Equal("open", await move.GuardAsync());
        await move.Shared.ExecuteAsync("INSERT INTO tasks (tenant_id, title) VALUES (1, 'goes on')");
    }

    // Ends one sender as soon as there is one.
    static async Task<int> CutAsync(TestDatabase database, CancellationToken ended)
    {
        var cut = 0L;
        await Waiting.UntilAsync(async () =>
        {
            cut = await database.ScalarAsync<long>(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE backend_type = 'walsender' AND datname = current_database()
                """,
                role: EmbeddedCluster.Superuser
            );
            return cut > 0 || ended.IsCancellationRequested;
        });
        return cut > 0 ? 1 : 0;
    }
}
