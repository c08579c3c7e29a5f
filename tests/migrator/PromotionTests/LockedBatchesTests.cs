using Microsoft.Extensions.Time.Testing;
using Migrator.Phases;

namespace Migrator.Tests.PromotionTests;

/// <summary>Writers of a table of which finalize deletes rows wait for a moment only, and have their turn.</summary>
public sealed class LockedBatchesTests
{
    const int Limit = 10_000;

    readonly FakeTimeProvider clock = new();
    readonly LockedBatches locks;

    public LockedBatchesTests() => locks = new(clock);

    [Fact]
    public void A_batch_has_the_rows_that_a_short_lock_allows()
    {
        var first = locks.Rows;

        Hold(400);
        var afterALongLock = locks.Rows;
        Hold(4);

        Assert.InRange(afterALongLock, 1, first / 10);
        Assert.Equal(2 * afterALongLock, locks.Rows);
    }

    [Fact]
    public void No_batch_is_without_rows_or_has_more_than_was_said()
    {
        for (var n = 0; n < 10; n++)
            Hold(4_000);
        Assert.Equal(1, locks.Rows);
        for (var n = 0; n < 20; n++)
            Hold(1);
        Assert.Equal(Limit, locks.Rows);
    }

    [Fact]
    public void Where_no_writer_waits_a_batch_is_as_large_as_was_said()
    {
        locks.Locked(excludesWriters: false);
        clock.Advance(TimeSpan.FromSeconds(1));
        locks.Released(Limit);

        Assert.Equal(Limit, locks.Rows);
        Assert.True(locks.RestAsync(TestContext.Current.CancellationToken).IsCompleted);
    }

    [Fact]
    public async Task The_table_is_left_alone_for_as_long_as_it_was_locked()
    {
        Hold(30);
        var resting = locks.RestAsync(TestContext.Current.CancellationToken);

        clock.Advance(TimeSpan.FromMilliseconds(29));
        Assert.False(resting.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await resting;
    }

    void Hold(int milliseconds)
    {
        locks.Locked(excludesWriters: true);
        clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        locks.Released(Limit);
    }
}
