using Migrator.Model;
using Migrator.Tests.Online.Stress;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>A tenant moves there, back, and there and back, while its writers do all that applications do.</summary>
[EveryVersion]
public sealed class LedgerTests(Servers servers)
{
    const int Stretch = 40;

    // Rows that travel take minutes on a busy machine: online, they are for the soak.
    public static IEnumerable<TheoryDataRow<string, bool>> Modes =>
        [
            new(PromotionOptions.Online, false),
            new(PromotionOptions.Fenced, true),
            new TheoryDataRow<string, bool>(PromotionOptions.Online, true).WithTrait(Soak.Category, Soak.Name),
        ];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_move_there_and_back_loses_and_doubles_nothing(string mode, bool travelling)
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        move.Mode = mode;
        await using var workload = await StressWorkload.StartAsync(move, Seed.Random(), travelling);
        await workload.ResumeAsync(Stretch);

        await SayingAsync(move, () => move.PromoteAsync(validate: false));
        await workload.ResumeAsync(Stretch);
        var turnedAway = workload.TurnedAway;
        Assert.True(turnedAway > 0);
        await SayingAsync(move, () => move.RollBackAsync());

        await workload.ResumeAsync(Stretch);
        await workload.StopAsync();
        Assert.True(workload.TurnedAway > turnedAway);
    }

    // 718806 once found a row that came twice on the second way there.
    public static TheoryData<int?> Seeds => [Soak.Row<int?>(718806), Soak.Row<int?>(null)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task There_and_back_and_there_again_loses_and_doubles_nothing(int? seed)
    {
        await using var move = await TenantMove.CreateAsync(servers, StressWorkload.Schema, servers.Dedicated);
        await using var workload = await StressWorkload.StartAsync(move, Seed.Random(seed), travelling: true);
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
