using Migrator.Model;

namespace Migrator.Reporting;

/// <summary>What <c>verify --json</c> prints.</summary>
/// <param name="State">The state of the promotion.</param>
/// <param name="Equal">Both sides are equal in every table.</param>
public sealed record VerifyDocument(
    string TenantSlug,
    string State,
    bool Equal,
    IReadOnlyList<VerifyDocument.TableEntry> Tables,
    IReadOnlyList<string> NextSteps
)
{
    /// <summary>Rows that differ, with what is known of them; null unless that was asked for.</summary>
    public IReadOnlyList<DifferenceEntry>? Differences { get; init; }

    /// <summary>What no look at the databases can tell of them.</summary>
    public IReadOnlyList<string>? NotKnown { get; init; }

    /// <summary>What is wrong, as a sentence; null when nothing is.</summary>
    public string? Error { get; init; }

    /// <summary>The program's exit code when something is wrong; null when nothing is.</summary>
    public int? ExitCode { get; init; }

    /// <param name="Recorded">What the promotion verified before the flip; null when the journal has nothing.</param>
    public sealed record TableEntry(string Table, bool Equal, Side Shared, Side Isolated, Side? Recorded);

    /// <param name="Digest">The sum of the rows' hashes, a signed 64-bit number as text.</param>
    public sealed record Side(long Rows, string Digest)
    {
        public static Side Of(Digest digest) => new(digest.Rows, digest.Sum);
    }
}
