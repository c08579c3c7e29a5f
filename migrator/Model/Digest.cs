using System.Numerics;

namespace Migrator.Model;

/// <summary>
/// The digest of a set of rows: their number and the sum of their hashes. The order of rows does not matter; a
/// doubled row does.
/// </summary>
/// <param name="Sum">Sum of 64-bit row hashes, as the decimal text of a numeric.</param>
public readonly record struct Digest(long Rows, string Sum)
{
    public static Digest operator +(Digest left, Digest right) =>
        new(left.Rows + right.Rows, (BigInteger.Parse(left.Sum) + BigInteger.Parse(right.Sum)).ToString());

    public override string ToString() => $"{Rows} rows, sum {Sum}";
}
