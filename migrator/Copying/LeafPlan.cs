using Migrator.Scope;

namespace Migrator.Copying;

/// <summary>A leaf table with the parts it is copied in.</summary>
/// <param name="Rows">The tenant's rows, as the planner estimates them.</param>
/// <param name="Bytes">Their size on the wire, as the planner estimates it.</param>
public sealed record LeafPlan(ScopedTable Table, Leaf Leaf, IReadOnlyList<CopyPart> Parts, long Rows, long Bytes)
{
    public bool IsSplit => Parts.Count > 1;
}
