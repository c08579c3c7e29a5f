using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Concurrency;

/// <summary>Servers cut the migrator's sessions off, at every phase and on either side.</summary>
public sealed class LostConnectionTests(Servers servers)
{
    public static IEnumerable<TheoryDataRow<string, bool>> Cuts =>
        [
            new(PhaseName.CopyData, true),
            new(PhaseName.CutOver, false),
            new TheoryDataRow<string, bool>(PhaseName.CutOver, true).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.CopyData, false).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.InstallGuard, true).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.Verify, true).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.Provision, false).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.BuildSchema, false).WithTrait(Soak.Category, Soak.Name),
        ];

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task A_promotion_whose_sessions_are_cut_off_goes_on_or_fails_so_that_it_can(
        string phase,
        bool onShared
    )
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated, tasks: 3_000);
        var server = onShared ? shop.Shared : new TestDatabase(shop.Server, "postgres", EmbeddedCluster.Superuser);

        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var promotion = Task.Run(() =>
            shop.Move.PromoteAsync(
                shop.Move.Options(validate: true),
                started =>
                {
                    if (started == phase)
                        reached.TrySetResult();
                }
            )
        );
        await Task.WhenAny(reached.Task, promotion);
        await CutAsync(server, shop.Slug);

        var failure = await Record.ExceptionAsync(() => promotion);

        if (failure is not null)
        {
            Assert.Equal(ExitCode.Failed, Assert.IsType<MigratorException>(failure).Code);
            Assert.NotEqual("closed", await shop.GuardAsync());
            await shop.Move.PromoteAsync();
        }
        await shop.MustBeIsolatedAsync();
    }

    [Theory]
    [InlineData(true)]
    [SoakData(false)]
    public async Task A_rollback_whose_sessions_are_cut_off_brings_everything_home_all_the_same(bool onShared)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.Move.PromoteAsync(validate: false);
        await shop.WriteIsolatedAsync();
        await using var migrator = shop.Start("rollback");
        await migrator.MustReachAsync(Started.ReconcileShared);
        await CutAsync(onShared ? shop.Shared : shop.Isolated, shop.Slug);

        if (await migrator.ExitCodeAsync() != 0)
            await shop.Move.RollBackAsync();

        await shop.MustBeHomeAsync();
    }

    static Task CutAsync(TestDatabase database, string slug) =>
        database.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = @name",
            new { name = "tp/" + slug },
            EmbeddedCluster.Superuser
        );
}
