namespace Migrator.Tests.Support;

/// <summary>Chance that can be repeated: a test's output names its seed, and TEST_SEED sets it.</summary>
static class Seed
{
    /// <param name="chosen">The seed when TEST_SEED is not set: one that has found something.</param>
    public static Random Random(int? chosen = null)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("TEST_SEED"), out var set)
            ? set
            : chosen ?? Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"TEST_SEED={seed}");
        return new(seed);
    }
}
