using Microsoft.Extensions.Time.Testing;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Tests.Streaming;

/// <summary>Tries for a lock are short, with as much time in between, and grow longer when nothing else helps.</summary>
public sealed class LockRetryTests
{
    readonly FakeTimeProvider clock = new();
    readonly List<TimeSpan> timeouts = [];

    [Fact]
    public async Task A_try_that_is_refused_waits_as_long_as_it_may_have_held_others_up()
    {
        var running = RunAsync(refusals: 5);

        WaitOut(running, 100, 100, 100, 200, 200);

        await running;
        Assert.Equal([100, 100, 100, 200, 200, 200], timeouts.Select(timeout => timeout.TotalMilliseconds));
    }

    [Fact]
    public async Task A_try_grows_no_longer_than_two_seconds_and_the_last_one_gives_up()
    {
        var running = RunAsync(refusals: int.MaxValue);
        while (!running.IsCompleted)
            clock.Advance(TimeSpan.FromSeconds(2));

        await Assert.ThrowsAsync<TimeoutException>(() => running);
        Assert.Equal(24, timeouts.Count);
        Assert.Equal(TimeSpan.FromSeconds(2), timeouts.Max());
        Assert.Equal(timeouts.Order(), timeouts);
    }

    [Fact]
    public async Task An_error_that_is_no_refusal_ends_it_at_once()
    {
        await Assert.ThrowsAsync<PostgresException>(() =>
            new LockRetry(clock).RunAsync(
                timeout =>
                {
                    timeouts.Add(timeout);
                    throw Error(PostgresErrorCodes.UniqueViolation);
                },
                _ => new TimeoutException(),
                default
            )
        );
        Assert.Single(timeouts);
    }

    // Just before its time nothing has happened, and just after it the next try has been made.
    void WaitOut(Task running, params int[] milliseconds)
    {
        foreach (var (wait, tries) in milliseconds.Select((wait, n) => (wait, n + 1)))
        {
            Assert.Equal(tries, timeouts.Count);
            clock.Advance(TimeSpan.FromMilliseconds(wait - 1));
            Assert.Equal(tries, timeouts.Count);
            Assert.False(running.IsCompleted);
            clock.Advance(TimeSpan.FromMilliseconds(1));
        }
    }

    Task RunAsync(int refusals) =>
        new LockRetry(clock).RunAsync(
            timeout =>
            {
                timeouts.Add(timeout);
                return timeouts.Count <= refusals
                    ? throw Error(PostgresErrorCodes.LockNotAvailable)
                    : Task.CompletedTask;
            },
            _ => new TimeoutException(),
            default
        );

    static PostgresException Error(string state) => new("refused", "ERROR", "ERROR", state);
}
