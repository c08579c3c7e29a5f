using System.Buffers.Binary;

namespace Migrator.Streaming;

/// <summary>A row as the stream writes it, looked at without being read: as far as it is in memory.</summary>
/// <remarks>https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html</remarks>
/// <param name="bytes">From the number of columns on.</param>
readonly ref struct TupleView(ReadOnlySpan<byte> bytes)
{
    readonly ReadOnlySpan<byte> bytes = bytes;

    /// <summary>The row of a change that tells whose it is: the new one, or of a delete the old one.</summary>
    /// <param name="change">The bytes that come after the table, as far as they are in memory.</param>
    public static TupleView Of(ReadOnlySpan<byte> change, bool isUpdate)
    {
        if (change.IsEmpty)
            return default;
        var first = new TupleView(change[1..]);
        if (!isUpdate || change[0] == (byte)'N')
            return first;
        // The old one comes first.
        return first.Rest is [(byte)'N', .. var updated] ? new(updated) : default;
    }

    /// <summary>The text of a column.</summary>
    /// <returns>Whether the column has a text that is in memory.</returns>
    public bool TryText(int column, out ReadOnlySpan<byte> text)
    {
        text = default;
        var at = Offset(column);
        if (at < 0 || at + 5 > bytes.Length || bytes[at] != (byte)'t')
            return false;
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes[(at + 1)..]);
        if (length < 0 || length > bytes.Length - at - 5)
            return false;
        text = bytes.Slice(at + 5, length);
        return true;
    }

    // What comes after the row; empty if that is not in memory.
    ReadOnlySpan<byte> Rest
    {
        get
        {
            var at = bytes.Length < 2 ? -1 : Offset(BinaryPrimitives.ReadInt16BigEndian(bytes));
            return at < 0 || at > bytes.Length ? [] : bytes[at..];
        }
    }

    // Negative where that is not in memory.
    int Offset(int column)
    {
        var at = 2;
        for (var i = 0; i < column; i++)
        {
            if (at >= bytes.Length)
                return -1;
            var hasValue = bytes[at++] is (byte)'t' or (byte)'b';
            if (!hasValue)
                continue;
            if (at + 4 > bytes.Length)
                return -1;
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
            if (length < 0 || length > bytes.Length - at - 4)
                return -1;
            at += 4 + length;
        }
        return at;
    }
}
