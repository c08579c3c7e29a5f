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
    /// <param name="stream">The text that the server has sent, of <paramref name="length"/> bytes.</param>
    public static async ValueTask<LargeValue?> ReadAsync(
        Column column,
        Func<Stream> stream,
        int length,
        CancellationToken cancellationToken
    )
    {
        if (TypeOf(column) is not { } type)
            return null;
        await using var text = stream();
        if (type == NpgsqlDbType.Bytea)
            return new(await DecodeAsync(text, length, cancellationToken), type);
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        await text.ReadExactlyAsync(bytes, cancellationToken);
        return new(bytes, type);
    }

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
    static async Task<byte[]> DecodeAsync(Stream text, int length, CancellationToken cancellationToken)
    {
        var bytes = GC.AllocateUninitializedArray<byte>((length - 2) / 2);
        var digits = new byte[ChunkSize];
        await text.ReadExactlyAsync(digits.AsMemory(0, 2), cancellationToken);
        for (var done = 0; done < bytes.Length; )
        {
            var chunk = digits.AsMemory(0, Math.Min(ChunkSize, 2 * (bytes.Length - done)));
            await text.ReadExactlyAsync(chunk, cancellationToken);
            Convert.FromHexString(chunk.Span, bytes.AsSpan(done), out _, out var written);
            done += written;
        }
        return bytes;
    }
}
