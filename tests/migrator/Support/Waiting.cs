using System.Diagnostics;
using Migrator.Embedded;

namespace Migrator.Tests.Support;

/// <summary>Waits for what a test needs, however long the machine takes.</summary>
static class Waiting
{
    /// <summary>When something hangs. No test may depend on how much shorter than this anything takes.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until a condition holds.</summary>
    /// <param name="condition">Asked again and again; it may throw to end the wait.</param>
    /// <param name="otherwise">What to say when it never comes true.</param>
    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string>? otherwise = null)
    {
        for (var waited = Stopwatch.StartNew(); !await condition(); await Task.Delay(Interval))
            Assert.True(waited.Elapsed < Limit, otherwise?.Invoke() ?? "It never came true.");
    }

    /// <summary>Waits until a condition holds.</summary>
    public static Task UntilAsync(Func<bool> condition, Func<string>? otherwise = null) =>
        UntilAsync(() => Task.FromResult(condition()), otherwise);

    /// <summary>Waits until a query's one value is true, as a superuser sees it.</summary>
    public static Task UntilAsync(TestDatabase database, string condition, object? parameters = null) =>
        UntilAsync(
            () => database.ScalarAsync<bool>(condition, parameters, EmbeddedCluster.Superuser),
            () => $"Never came true in {database.Name}: {condition}"
        );

    /// <summary>
    /// Waits until a run that was killed has no session left in a database: what was on its way when it died is
    /// committed by then, or rolled back.
    /// </summary>
    /// <param name="slug">The run's tenant.</param>
    public static Task UntilSessionsEndAsync(TestDatabase database, string slug) =>
        UntilAsync(
            database,
            """
            SELECT NOT EXISTS (SELECT FROM pg_stat_activity
                WHERE application_name = @name AND datname = current_database())
            """,
            new { name = "tp/" + slug }
        );
}
