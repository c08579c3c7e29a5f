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
        await using var move = await TenantMove.CreateAsync(servers, Turmoil.Schema, servers.Dedicated);
        move.Mode = mode;
        await using var turmoil = await Turmoil.StartAsync(move, Seeded.Random());
        await turmoil.GoOnAsync(Stretch);

        await SayingAsync(move, () => move.PromoteAsync(validate: false));

        await turmoil.GoOnAsync(Stretch);
        await turmoil.StopAsync();
        Assert.True(turmoil.TurnedAway > 0);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_rollback_meanwhile_loses_and_doubles_nothing(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Turmoil.Schema, servers.Dedicated);
        move.Mode = mode;
        await SayingAsync(move, () => move.PromoteAsync(validate: false));
        await using var turmoil = await Turmoil.StartAsync(move, Seeded.Random());
        await turmoil.GoOnAsync(Stretch);

        await SayingAsync(move, () => move.RollBackAsync());

        await turmoil.GoOnAsync(Stretch);
        await turmoil.StopAsync();
        Assert.True(turmoil.TurnedAway > 0);
    }

    [Fact]
    public async Task There_and_back_and_there_again_loses_and_doubles_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, Turmoil.Schema, servers.Dedicated);
        await using var turmoil = await Turmoil.StartAsync(move, Seeded.Random());
        await turmoil.GoOnAsync(Stretch);

        await SayingAsync(move, () => move.PromoteAsync(validate: false));
        await turmoil.GoOnAsync(Stretch);
        await SayingAsync(move, () => move.RollBackAsync());
        await turmoil.GoOnAsync(Stretch);
        await SayingAsync(move, () => move.PromoteAsync(validate: false));

        await turmoil.GoOnAsync(Stretch);
        await turmoil.StopAsync();
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
