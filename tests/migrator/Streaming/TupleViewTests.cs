using System.Buffers.Binary;
using System.Text;
using Migrator.Streaming;

namespace Migrator.Tests.Streaming;

/// <summary>Whose a change is, seen in as much of it as there is.</summary>
public sealed class TupleViewTests
{
    const int TenantColumn = 3;

    static readonly byte[] Theirs = Tuple("7", null, "unchanged", "2", new('x', 90));
    static readonly byte[] Ours = Tuple("7", "a note", null, "1", "");

    [Fact]
    public void An_insert_tells_it_by_its_row() => Assert.Equal("1", TextOf([(byte)'N', .. Ours], isUpdate: false));

    [Fact]
    public void A_delete_tells_it_by_the_row_that_was() =>
        Assert.Equal("2", TextOf([(byte)'O', .. Theirs], isUpdate: false));

    [Theory]
    [InlineData('O')]
    [InlineData('K')]
    public void An_update_tells_it_by_the_new_row_and_never_by_the_old_one(char old)
    {
        byte[] change = [(byte)old, .. Theirs, (byte)'N', .. Ours];
        var told = Enumerable.Range(0, change.Length + 1).Select(n => TextOf(change[..n], isUpdate: true)).ToArray();

        Assert.Equal("1", told[^1]);
        // What is not in memory tells nothing.
        Assert.All(told[..(Theirs.Length + 2)], Assert.Null);
        Assert.All(told, text => Assert.True(text is null or "1", text));
    }

    [Fact]
    public void A_row_without_a_text_there_tells_nothing()
    {
        Assert.Null(TextOf([(byte)'N', .. Tuple("7", "2", "2", null, "2")], isUpdate: false));
        Assert.Null(TextOf([(byte)'N', .. Tuple("7", "2", "2", "unchanged", "2")], isUpdate: false));
    }

    static string? TextOf(byte[] change, bool isUpdate) =>
        TupleView.Of(change, isUpdate).TryText(TenantColumn, out var text) ? Encoding.UTF8.GetString(text) : null;

    static byte[] Tuple(params string?[] values)
    {
        var bytes = new List<byte> { 0, (byte)values.Length };
        foreach (var value in values)
        {
            bytes.Add(
                (byte)(
                    value is null ? 'n'
                    : value == "unchanged" ? 'u'
                    : 't'
                )
            );
            if (value is null or "unchanged")
                continue;
            var length = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32BigEndian(length, value.Length);
            bytes.AddRange([.. length, .. Encoding.UTF8.GetBytes(value)]);
        }
        return [.. bytes];
    }
}
