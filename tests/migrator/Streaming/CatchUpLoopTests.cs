using Microsoft.Extensions.Time.Testing;
using Migrator.Streaming;

namespace Migrator.Tests.Streaming;

/// <summary>A stream is near when a watermark comes through in time, and not when enough of them were emitted.</summary>
public sealed class CatchUpLoopTests
{
    static readonly TimeSpan Near = TimeSpan.FromMilliseconds(100);

    readonly FakeTimeProvider clock = new();
    readonly List<TimeSpan> reported = [];
    int watermarks;

    [Fact]
    public async Task A_watermark_that_comes_through_in_time_ends_it()
    {
        Assert.True(await IsReachedAsync(3000, 400, 99, 1));
        Assert.Equal(3, watermarks);
    }

    [Fact]
    public async Task A_watermark_that_takes_just_as_long_is_late()
    {
        Assert.True(await IsReachedAsync(100, 99));
        Assert.Equal(2, watermarks);
    }

    [Fact]
    public async Task A_stream_that_stays_behind_is_given_up()
    {
        Assert.False(await IsReachedAsync(2000, 2500, 3000));
        Assert.Equal(3, watermarks);
    }

    [Fact]
    public async Task Only_a_lag_that_a_person_notices_is_reported()
    {
        Assert.True(await IsReachedAsync(3000, 1001, 1000, 200, 50));
        Assert.Equal([TimeSpan.FromMilliseconds(3000), TimeSpan.FromMilliseconds(1001)], reported);
    }

    Task<bool> IsReachedAsync(params int[] milliseconds) =>
        CatchUpLoop.IsReachedAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(milliseconds[watermarks++]));
                return Task.CompletedTask;
            },
            Near,
            milliseconds.Length,
            reported.Add,
            clock
        );
}
