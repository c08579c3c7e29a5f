using Migrator.Guarding;

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

    /// <summary>The table if rows of it are deleted or changed, with the columns that stay.</summary>
    public IEnumerable<WrittenTable> Written =>
        Kind switch
        {
            ReconcilerWriteKind.Insert => [],
            ReconcilerWriteKind.Update => [new(Stage.Table.Name, Stage.Table.Table.Key)],
            _ => [new(Stage.Table.Name)],
        };
}
