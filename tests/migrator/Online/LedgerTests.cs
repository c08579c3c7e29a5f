using Migrator.Model;
using Migrator.Phases;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>A tenant moves there, back, and there and back, while its writers do all that applications do.</summary>
public sealed class LedgerTests(Servers servers)
{
    static readonly TimeSpan Stretch = TimeSpan.FromSeconds(1.5);

    public static TheoryData<string> Modes => [PromotionOptions.Online, PromotionOptions.Fenced];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_promotion_meanwhile_loses_and_doubles_nothing(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        move.Mode = mode;
        await using var workload = await StressWorkload.StartAsync(move, Seeded.Random());
        await workload.ResumeAsync(Stretch);

        await SayingAsync(move, () => move.PromoteAsync(validate: false));

        await workload.ResumeAsync(Stretch);
        await workload.StopAsync();
        Assert.True(workload.TurnedAway > 0);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_rollback_meanwhile_loses_and_doubles_nothing(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        move.Mode = mode;
        await SayingAsync(move, () => move.PromoteAsync(validate: false));
        await using var workload = await StressWorkload.StartAsync(move, Seeded.Random());
        await workload.ResumeAsync(Stretch);

        await SayingAsync(move, () => move.RollBackAsync());

        await workload.ResumeAsync(Stretch);
        await workload.StopAsync();
        Assert.True(workload.TurnedAway > 0);
    }

    [Fact]
    public async Task There_and_back_and_there_again_loses_and_doubles_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        await using var workload = await StressWorkload.StartAsync(move, Seeded.Random());
        await workload.ResumeAsync(Stretch);

        await SayingAsync(move, () => move.PromoteAsync(validate: false));
        await workload.ResumeAsync(Stretch);
        await SayingAsync(move, () => move.RollBackAsync());
        await workload.ResumeAsync(Stretch);
        await SayingAsync(move, () => move.PromoteAsync(validate: false));

        await workload.ResumeAsync(Stretch);
        await workload.StopAsync();
    }

    // What a person would have read beside a failure.
    static async Task SayingAsync(TenantMove move, Func<Task> verb)
    {
        try
        {
            await verb();
        }
        finally
        {
            foreach (var warning in move.Watched.Warnings)
                TestContext.Current.TestOutputHelper?.WriteLine(warning);
        }
    }
}
