using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>kill -9 on the way back, under a writer that does not stop, and then the same command again.</summary>
public sealed class CrashedRollbackTests(Servers servers)
{
    static readonly string[] Phases =
    [
        PhaseName.CatchUpReverse,
        PhaseName.VerifyReverse,
        PhaseName.FlipBack,
        PhaseName.CleanUpAfterRollback,
    ];

    static readonly string[] AtAnyMoment =
    [
        PhaseName.CatchUpReverse,
        PhaseName.CatchUpReverse,
        PhaseName.VerifyReverse,
        PhaseName.VerifyReverse,
        PhaseName.FlipBack,
        PhaseName.FlipBack,
        PhaseName.FlipBack,
    ];

    [Fact]
    public async Task A_rollback_killed_at_each_of_its_phases_in_turn_loses_and_doubles_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await move.PromoteAsync(validate: false);
        await using var writer = FaultsWriter.Start(move);
        foreach (var phase in Phases)
            if (!await move.HasEndedAsync("rollback"))
                await move.KillAsync("rollback", $"started {phase}");
        await move.ResumeAsync("rollback");

        await writer.StopAsync();
        await move.MustBeHomeAsync();
    }

    [Fact]
    [Trait(Soak.Category, Soak.Name)]
    public async Task A_rollback_killed_again_and_again_at_any_moment_loses_and_doubles_nothing()
    {
        var random = Seed.Random();
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await move.PromoteAsync(validate: false);
        await using var writer = FaultsWriter.Start(move);
        foreach (var phase in AtAnyMoment)
            if (await move.IsIsolatedAsync())
                await move.KillAsync("rollback", $"started {phase}", TimeSpan.FromMilliseconds(random.Next(400)));
        await move.ResumeAsync("rollback");

        await writer.StopAsync();
        await move.MustBeHomeAsync();
    }

    public static IEnumerable<TheoryDataRow<string>> BeforeTheFlip =>
        Soak.Sweep(
            [PhaseName.StartStreaming, PhaseName.CatchUp, PhaseName.CloneTriggersAndPolicies, PhaseName.CutOver],
            [PhaseName.StartStreaming, PhaseName.CutOver]
        );

    [Theory]
    [MemberData(nameof(BeforeTheFlip))]
    public async Task A_killed_promotion_that_is_rolled_back_leaves_no_slot(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        await move.KillAsync("promote", $"started {phase}", arguments: "--no-validate");
        var isFlipped = await move.IsIsolatedAsync();

        await move.RollBackAsync();

        await writer.StopAsync();
        await move.MustBeHomeAsync();
        // Killed later than it was to be, a promotion leaves its database to a person.
        Assert.Equal(isFlipped, await move.IsolatedExistsAsync());
    }
}
