using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Verification;

/// <summary>A table's digests on both sides.</summary>
public sealed record TableComparison(ScopedTable Table, RecordedTable Recorded, Digest Isolated)
{
    public Digest Shared => Recorded.Digest;

    /// <summary>The rows that were compared.</summary>
    public KeyRange Keys { get; init; } = KeyRange.Whole;

    public bool IsEqual => Shared == Isolated;
}
