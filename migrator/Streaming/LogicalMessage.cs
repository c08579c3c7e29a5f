using System.Buffers.Binary;
using System.Text;

namespace Migrator.Streaming;

/// <summary>
/// A message of the stream, of which the beginning is in memory, and mostly all of it. What is larger is read as it is asked for.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html</remarks>
sealed class LogicalMessage
{
    const int Capacity = 64 * 1024;

    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    readonly byte[] buffer = new byte[Capacity];
    Stream rest = Stream.Null;
    long left;
    int position;
    int end;

    /// <summary>What comes next, as far as it is in memory.</summary>
    public ReadOnlySpan<byte> Next => buffer.AsSpan(position, end - position);

    /// <summary>Begins with a message; the one before is forgotten.</summary>
    public ValueTask OpenAsync(Stream message, CancellationToken cancellationToken)
    {
        (rest, left, position, end) = (message, message.Length, 0, 0);
        return FillAsync(cancellationToken);
    }

    /// <summary>Makes sure of so many bytes that can be read without waiting, or of all that are left.</summary>
    public ValueTask EnsureAsync(int bytes, CancellationToken cancellationToken) =>
        end - position >= bytes || left == 0 ? ValueTask.CompletedTask : FillAsync(cancellationToken);

    public byte Byte() => Take(1)[0];

    public char Kind() => (char)Byte();

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    /// <summary>A text that ends with a zero.</summary>
    /// <exception cref="FormatException">There is no such text, or it is too long for a name.</exception>
    public string Name() => TryName() ?? throw Broken();

    /// <returns>Null for a text that is too long for a name.</returns>
    public string? TryName()
    {
        var length = Next.IndexOf((byte)0);
        return length < 0 ? null : Utf8.GetString(Take(length + 1)[..length]);
    }

    public void Skip(int bytes) => Take(bytes);

    /// <summary>A text of so many bytes.</summary>
    public async ValueTask<string> TextAsync(int bytes, CancellationToken cancellationToken)
    {
        await EnsureAsync(Math.Min(bytes, Capacity), cancellationToken);
        return end - position >= bytes
            ? Utf8.GetString(Take(bytes))
            : Utf8.GetString(await BytesAsync(bytes, cancellationToken));
    }

    public async ValueTask<byte[]> BytesAsync(int bytes, CancellationToken cancellationToken)
    {
        if (bytes < 0 || bytes > left + end - position)
            throw Broken();
        var read = GC.AllocateUninitializedArray<byte>(bytes);
        await ReadExactlyAsync(read, cancellationToken);
        return read;
    }

    /// <summary>Fills the memory with what comes next, which need not be in memory as a whole.</summary>
    public async ValueTask ReadExactlyAsync(Memory<byte> into, CancellationToken cancellationToken)
    {
        var here = Math.Min(into.Length, end - position);
        Take(here).CopyTo(into.Span);
        await rest.ReadExactlyAsync(into[here..], cancellationToken);
        left -= into.Length - here;
    }

    /// <summary>Leaves bytes out that need not be in memory as a whole.</summary>
    public async ValueTask PassAsync(int bytes, CancellationToken cancellationToken)
    {
        while (bytes > 0)
        {
            await EnsureAsync(Math.Min(bytes, Capacity), cancellationToken);
            var here = Math.Min(bytes, end - position);
            if (here == 0)
                throw Broken();
            Skip(here);
            bytes -= here;
        }
    }

    async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        Next.CopyTo(buffer);
        (position, end) = (0, end - position);
        var more = (int)Math.Min(left, Capacity - end);
        await rest.ReadExactlyAsync(buffer.AsMemory(end, more), cancellationToken);
        end += more;
        left -= more;
    }

    ReadOnlySpan<byte> Take(int bytes)
    {
        if (bytes < 0 || bytes > end - position)
            throw Broken();
        position += bytes;
        return buffer.AsSpan(position - bytes, bytes);
    }

    static FormatException Broken() => new("The message ends too early.");
}
