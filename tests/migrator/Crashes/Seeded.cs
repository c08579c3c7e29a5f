namespace Migrator.Tests.Crashes;

/// <summary>Chance that can be repeated: the seed stands in the test's output, and TEST_SEED sets it.</summary>
static class Seeded
{
    public static Random Random()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("TEST_SEED"), out var chosen)
            ? chosen
            : Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"TEST_SEED={seed}");
        return new(seed);
    }
}
