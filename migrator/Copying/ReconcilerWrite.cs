namespace Migrator.Copying;

enum ReconcilerWriteKind
{
    Insert,
    Update,
    Delete,
}

/// <summary>One kind of statement for one batch of a staged table.</summary>
sealed record ReconcilerWrite(ReconcilerStage Stage, IReadOnlyList<int> Batch, ReconcilerWriteKind Kind)
{
    public IEnumerable<string> Statements =>
        Kind switch
        {
            ReconcilerWriteKind.Insert => Stage.Insertions(Batch),
            ReconcilerWriteKind.Update => Stage.Updates(Batch),
            _ => Stage.Deletions(Batch),
        };
}
