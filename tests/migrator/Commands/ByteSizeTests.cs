using Migrator.Model;

namespace Migrator.Tests.Commands;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("500kB", 500_000)]
    [InlineData("20MB", 20_000_000)]
    [InlineData("1.5gb", 1_500_000_000)]
    [InlineData("2TB", 2_000_000_000_000)]
    [InlineData("100B", 100)]
    [InlineData("0", 0)]
    public void Sizes_are_read_as_people_type_them(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("20")]
    [InlineData("-1MB")]
    [InlineData("20 MB")]
    [InlineData("0MB")]
    [InlineData("1,5GB")]
    [InlineData("much")]
    public void Anything_else_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1_240, "1.2 kB")]
    [InlineData(20_000_000, "20 MB")]
    [InlineData(1_260_000_000, "1.3 GB")]
    public void Sizes_are_shown_short(long bytes, string text) => Assert.Equal(text, ByteSize.Show(bytes));
}
