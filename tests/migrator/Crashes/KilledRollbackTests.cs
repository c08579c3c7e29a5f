using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>kill -9 of the real process, then the way back.</summary>
public sealed class KilledRollbackTests(Servers servers)
{
    public static IEnumerable<TheoryDataRow<string>> BeforeTheFlip =>
        Soak.Sweep(Moments.FencedPhases.Skip(1).SkipLast(2).Select(phase => $"started {phase}"), [Started.CopyData]);

    [Theory]
    [MemberData(nameof(BeforeTheFlip))]
    public async Task A_killed_promotion_that_is_rolled_back_leaves_no_trace(string moment)
    {
        await using var shop = await CrashFixture.KilledAsync(servers, moment);

        await shop.Move.RollBackAsync();

        await shop.MustBeUntouchedAsync();
    }

    public static IEnumerable<TheoryDataRow<string>> Undoing =>
        Soak.Sweep(
            [Started.BuildSchema, Ended.InstallGuard, Started.Provision, Ended.Provision],
            [Started.BuildSchema]
        );

    [Theory]
    [MemberData(nameof(Undoing))]
    public async Task A_rollback_killed_before_the_flip_can_be_repeated(string moment)
    {
        await using var shop = await CrashFixture.KilledAsync(servers, Ended.BuildSchema);
        await shop.KillAsync("rollback", moment);

        await shop.Move.ResumeAsync("rollback");

        await shop.MustBeUntouchedAsync();
    }

    public static IEnumerable<TheoryDataRow<string>> Undone =>
        Soak.Sweep([Ended.InstallGuard, Started.Provision, Ended.Provision], [Ended.InstallGuard]);

    [Theory]
    [MemberData(nameof(Undone))]
    public async Task A_promotion_after_a_rollback_that_was_killed_builds_on_nothing_that_is_gone(string moment)
    {
        await using var shop = await CrashFixture.KilledAsync(servers, Ended.BuildSchema);
        await shop.KillAsync("rollback", moment);

        await shop.Move.PromoteAsync();

        await shop.MustBeIsolatedAsync();
        await Assert.ThrowsAsync<Npgsql.PostgresException>(shop.WriteAsync);
    }

    public static IEnumerable<TheoryDataRow<string>> ComingHome =>
        Soak.Sweep(
            [Started.CloseIsolatedGuard, Started.ReconcileShared, Ended.ReconcileShared, Started.CleanUpAfterRollback],
            [Started.ReconcileShared, Ended.ReconcileShared]
        );

    [Theory]
    [MemberData(nameof(ComingHome))]
    public async Task A_rollback_killed_after_the_flip_brings_every_change_home_when_repeated(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.Move.PromoteAsync(validate: false);
        await shop.WriteIsolatedAsync();
        await shop.KillAsync("rollback", moment);

        await shop.Move.ResumeAsync("rollback");

        await shop.MustBeHomeAsync();
    }

    public static IEnumerable<TheoryDataRow<string>> Deleting =>
        Soak.Sweep([Started.DeleteShared, Ended.DeleteShared], [Started.DeleteShared]);

    [Theory]
    [MemberData(nameof(Deleting))]
    public async Task A_killed_finalize_goes_on_and_deletes_the_rest(string moment)
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.Move.PromoteAsync(validate: false);
        await shop.KillAsync("finalize", moment, "--batch-size", "50");

        await shop.Move.ResumeAsync("finalize");

        await shop.MustBeFinalizedAsync();
    }
}
