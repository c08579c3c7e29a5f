using System.Security.Cryptography;

namespace Migrator.Embedded;

/// <summary>A password that nobody can guess, and what a server knows it by.</summary>
/// <param name="Text">128 random bits in hexadecimal.</param>
/// <param name="Verifier">
/// A SCRAM-SHA-256 verifier, which PostgreSQL takes in place of a password. One iteration: more only make guessing slower,
/// and each session pays for them on both sides.
/// </param>
/// <remarks>https://www.postgresql.org/docs/current/catalog-pg-authid.html</remarks>
sealed record RandomPassword(string Text, string Verifier)
{
    const int Iterations = 1;

    /// <summary>A new password.</summary>
    public static RandomPassword New()
    {
        var text = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var salt = RandomNumberGenerator.GetBytes(16);
        var salted = Rfc2898DeriveBytes.Pbkdf2(
            text,
            salt,
            Iterations,
            HashAlgorithmName.SHA256,
            SHA256.HashSizeInBytes
        );
        var stored = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var server = HMACSHA256.HashData(salted, "Server Key"u8);
        return new(
            text,
            $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(salt)}"
                + $"${Convert.ToBase64String(stored)}:{Convert.ToBase64String(server)}"
        );
    }
}
