using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Verification;

/// <summary>One row that is not the same on both sides, named by its key.</summary>
public sealed record RowDifference(TableName Table, string Key, DifferenceKind Kind)
{
    public override string ToString() =>
        $"{Table}: {Wording.Foreign(Key)} "
        + Kind switch
        {
            DifferenceKind.Missing => "is missing in the isolated database",
            DifferenceKind.Extra => "is in the isolated database only",
            _ => "has other values",
        };
}

public enum DifferenceKind
{
    /// <summary>In the shared database only.</summary>
    Missing,

    /// <summary>In the isolated database only.</summary>
    Extra,

    /// <summary>On both sides, with different values.</summary>
    Changed,
}
