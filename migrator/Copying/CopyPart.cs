namespace Migrator.Copying;

/// <summary>What one worker copies in one transaction: a leaf table, or a range of its blocks.</summary>
/// <param name="Number">The part's number within its leaf.</param>
/// <param name="FromBlock">First block of the range; null for the whole leaf.</param>
/// <param name="ToBlock">
/// First block after the range; null for the last range, because the table may have grown.
/// </param>
public sealed record CopyPart(int Number, long? FromBlock, long? ToBlock)
{
    /// <summary>The range as a condition on <c>t</c>; a TID range scan reads just these blocks.</summary>
    public string Condition =>
        (FromBlock, ToBlock) switch
        {
            (null, _) => "true",
            ({ } from, null) => $"t.ctid >= '({from},0)'::tid",
            ({ } from, { } to) => $"t.ctid >= '({from},0)'::tid AND t.ctid < '({to},0)'::tid",
        };
}
