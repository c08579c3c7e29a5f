using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Migrator.Model;

namespace Migrator.Streaming;

/// <summary>
/// What the guard's trigger writes into the log when a row becomes the tenant's, or another tenant's. Whoever may log in
/// can write messages of that name: the proof tells which are the guard's.
/// </summary>
/// <param name="Tenant">The tenant's key.</param>
sealed record Reassignment(string Tenant, TableName Table, RowKey Old, RowKey New)
{
    public const string Prefix = "tenant_promotion_moved";

    // Two keys fit into an index each. What is longer is nothing of ours, and need not be read into memory.
    const int MaxBytes = 16 << 20;

    const int ProofBytes = 64;

    /// <summary>Reads a message.</summary>
    /// <param name="secret">The guard's secret; null if there is no guard.</param>
    /// <returns>Null for a message that the guard has not written.</returns>
    /// <exception cref="FormatException">The guard has written the message, and it cannot be read.</exception>
    public static Reassignment? Read(ReadOnlySpan<byte> content, string? secret)
    {
        if (secret is null || !CanBe(content.Length, secret))
            return null;
        var said = content[ProofBytes..];
        if (!CryptographicOperations.FixedTimeEquals(content[..ProofBytes], Proof(secret, said)))
            return null;
        try
        {
            return Parse(said);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException("A message of the guard cannot be read.", e);
        }
    }

    /// <summary>A message of that length may be the guard's, and is worth reading.</summary>
    public static bool CanBe(int length, string? secret) =>
        secret is not null && length is >= ProofBytes and <= MaxBytes;

    /// <summary>The proof that guard.sql computes for a message, in hexadecimal digits.</summary>
    public static byte[] Proof(string secret, ReadOnlySpan<byte> said)
    {
        byte[] inner = [.. Block(secret, 'i'), .. "moved "u8, .. said];
        byte[] outer = [.. Block(secret, 'o'), .. SHA256.HashData(inner)];
        return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(outer)));
    }

    static byte[] Block(string secret, char pad) => Encoding.UTF8.GetBytes(secret.PadRight(64, pad));

    static Reassignment Parse(ReadOnlySpan<byte> said)
    {
        var reader = new Utf8JsonReader(said);
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        return new(
            Text(root.GetProperty("tenant")),
            new(Text(root.GetProperty("schema")), Text(root.GetProperty("table"))),
            Key(root.GetProperty("old")),
            Key(root.GetProperty("new"))
        );
    }

    static RowKey Key(JsonElement values) => new([.. values.EnumerateArray().Select(Text)]);

    static string Text(JsonElement value) =>
        value.GetString() ?? throw new InvalidOperationException("A text is expected, and null is there.");
}
