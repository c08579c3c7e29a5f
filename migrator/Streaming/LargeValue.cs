using Migrator.Scope;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// A large value of a row, as the bytes that the target takes. As text it would need two bytes of memory for each of its
/// characters, and a bytea four for each of its bytes.
/// </summary>
/// <param name="Type">The type that the bytes are sent as.</param>
sealed record LargeValue(byte[] Bytes, NpgsqlDbType Type)
{
    /// <summary>From this length of its text on a value is large.</summary>
    public const int MinLength = 1_000_000;

    const int ChunkSize = 64 * 1024;

    /// <summary>Reads a column's value; null where values of that type are kept as text.</summary>
    /// <param name="read">Reads on in the text that the server has sent, of <paramref name="length"/> bytes.</param>
    public static async ValueTask<LargeValue?> ReadAsync(
        Column column,
        Func<Memory<byte>, CancellationToken, ValueTask> read,
        int length,
        CancellationToken cancellationToken
    )
    {
        if (TypeOf(column) is not { } type)
            return null;
        if (type == NpgsqlDbType.Bytea)
            return new(await DecodeAsync(read, length, cancellationToken), type);
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        await read(bytes, cancellationToken);
        return new(bytes, type);
    }

    /// <summary>Values of the column are kept as bytes when they are large.</summary>
    public static bool Takes(Column column) => TypeOf(column) is not null;

    static NpgsqlDbType? TypeOf(Column column) =>
        column.TypeText.Split('(')[0] switch
        {
            "bytea" => NpgsqlDbType.Bytea,
            "text" or "character varying" => NpgsqlDbType.Text,
            "json" => NpgsqlDbType.Json,
            "jsonb" => NpgsqlDbType.Jsonb,
            "xml" => NpgsqlDbType.Xml,
            _ => null,
        };

    // A backslash, an x, and two digits for each byte: our sessions have bytea_output = hex.
    static async Task<byte[]> DecodeAsync(
        Func<Memory<byte>, CancellationToken, ValueTask> read,
        int length,
        CancellationToken cancellationToken
    )
    {
        var bytes = GC.AllocateUninitializedArray<byte>((length - 2) / 2);
        var digits = new byte[ChunkSize];
        await read(digits.AsMemory(0, 2), cancellationToken);
        for (var done = 0; done < bytes.Length; )
        {
            var chunk = digits.AsMemory(0, Math.Min(ChunkSize, 2 * (bytes.Length - done)));
            await read(chunk, cancellationToken);
            Convert.FromHexString(chunk.Span, bytes.AsSpan(done), out _, out var written);
            done += written;
        }
        return bytes;
    }
}
