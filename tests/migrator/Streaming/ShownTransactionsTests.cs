using Migrator.Streaming;

namespace Migrator.Tests.Streaming;

/// <summary>Numbers of transactions in the stream have 32 bits, those of a snapshot have 64.</summary>
public sealed class ShownTransactionsTests
{
    [Theory]
    [InlineData("100:105:102,103", 99, true)]
    [InlineData("100:105:102,103", 101, true)]
    [InlineData("100:105:102,103", 102, false)]
    [InlineData("100:105:102,103", 104, true)]
    [InlineData("100:105:102,103", 105, false)]
    [InlineData("100:100:", 99, true)]
    [InlineData("100:100:", 100, false)]
    // 2^32 is the first number of the next epoch, which the stream calls 0.
    [InlineData("4294967294:4294967298:4294967297", 4294967295, true)]
    [InlineData("4294967294:4294967298:4294967297", 0, true)]
    [InlineData("4294967294:4294967298:4294967297", 1, false)]
    [InlineData("4294967294:4294967298:4294967297", 2, false)]
    [InlineData("4294967290:4294967291:", 5, false)]
    public void A_transaction_is_shown_if_it_had_ended_by_then(string snapshot, uint transaction, bool shown) =>
        Assert.Equal(shown, new ShownTransactions(snapshot).Shows(transaction));
}
