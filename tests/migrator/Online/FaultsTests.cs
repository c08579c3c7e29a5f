using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>
/// What servers, operators and accidents do to a promotion under way. It goes on, or stops and says why; the tenant
/// never does.
/// </summary>
public sealed class FaultsTests(Servers servers)
{
    [Theory]
    [InlineData("copy", "ALTER TABLE tasks ADD COLUMN extra int DEFAULT 1")]
    [SoakData(PhaseName.CatchUp, "ALTER TABLE tasks ADD COLUMN extra int")]
    [SoakData(PhaseName.Verify, "CREATE UNIQUE INDEX ON tasks (id, title)")]
    [InlineData(PhaseName.CutOver, "ALTER TABLE tasks ADD COLUMN extra int DEFAULT 1")]
    public async Task A_change_of_a_table_costs_its_copy_and_nothing_is_lost(string phase, string change)
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);

        await move.PromoteMeddledAsync(phase, () => move.Shared.ExecuteAsync(change));

        await writer.ResumeAsync();
        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareSchemasAsync());
        await move.MustBeIsolatedAsync();
    }

    [Theory]
    [SoakData(PhaseName.CatchUp)]
    [InlineData(PhaseName.CutOver)]
    public async Task A_change_of_the_schema_stops_it_and_nothing_is_lost(string phase)
    {
        const string change = "CREATE TABLE parcels (id bigint PRIMARY KEY, tenant_id bigint REFERENCES tenants)";
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
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
        await move.MustGoOnInSharedAsync();
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
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
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
