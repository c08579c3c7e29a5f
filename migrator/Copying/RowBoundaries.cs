using System.Buffers.Binary;

namespace Migrator.Copying;

/// <summary>
/// Finds where rows end in the bytes that COPY sends, block by block. No value is looked at: in the binary format each
/// field tells its length, and in the text format a line feed ends a row, for one inside a value is written as \n.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4</remarks>
sealed class RowBoundaries(bool binary)
{
    /// <summary>What begins a binary copy: signature, flags, and the length of an extension that no server sends.</summary>
    public static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>What ends it.</summary>
    public static readonly byte[] Trailer = [0xFF, 0xFF];

    const int Null = -1;

    // A number may lie in two blocks.
    readonly byte[] number = new byte[4];
    int digits;
    long toSkip = Header.Length;
    int fields;
    bool ended;

    /// <summary>The place after the last row that ends in this block; null if none ends in it.</summary>
    public int? Last(ReadOnlySpan<byte> block)
    {
        if (!binary)
            return block.LastIndexOf((byte)'\n') is >= 0 and var feed ? feed + 1 : null;
        int? last = null;
        for (var at = 0; at < block.Length && !ended; )
            if (toSkip > 0)
            {
                var skipped = (int)Math.Min(toSkip, block.Length - at);
                toSkip -= skipped;
                at += skipped;
                if (toSkip == 0 && fields == 0)
                    last = at;
            }
            else if (Take(block, ref at))
                last = at;
        return last;
    }

    // The number of fields that a row has, or the length of a field; true when a row ends with a null.
    bool Take(ReadOnlySpan<byte> block, ref int at)
    {
        number[digits++] = block[at++];
        if (digits < (fields == 0 ? 2 : 4))
            return false;
        digits = 0;
        if (fields == 0)
        {
            fields = BinaryPrimitives.ReadInt16BigEndian(number);
            ended = fields < 0;
            return fields == 0;
        }
        fields--;
        var length = BinaryPrimitives.ReadInt32BigEndian(number);
        toSkip = length == Null ? 0 : length;
        return fields == 0 && toSkip == 0;
    }
}
