using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// Brings the isolated database to one position of the shared one, in a single transaction. Rows that the source must
/// be asked for are fetched at its end, under the snapshot of that position: on the way there, a row as it will be
/// could collide with one as it was.
/// </summary>
/// <param name="snapshot">The source's snapshot at the position where the stream ends.</param>
sealed class ConsistentPointApplier(StreamDirection direction, TargetState state, string snapshot, DirtyKeys? touched)
    : IChangeApplier
{
    readonly ForwardChanges changes = new(direction, state, snapshot, touched);
    NpgsqlLogSequenceNumber reached;

    public bool IsOpen => changes.Writer.IsOpen;

    public Task OpenAsync(CancellationToken cancellationToken) => changes.Writer.OpenAsync(cancellationToken);

    public async Task ApplyAsync(ChangeBatch batch, CancellationToken cancellationToken)
    {
        await changes.ApplyAsync(batch, cancellationToken);
        if (batch.EndsTransaction)
            reached = batch.End;
    }

    public async Task<NpgsqlLogSequenceNumber?> CompleteAsync(CancellationToken cancellationToken)
    {
        if (!IsOpen)
            return null;
        await changes.RefetchAsync(cancellationToken);
        if (state == TargetState.Mixed)
            await DeleteOrphansAsync(cancellationToken);
        await changes.Writer.CommitAsync(reached, cancellationToken);
        return reached;
    }

    public ValueTask DisposeAsync() => changes.Writer.DisposeAsync();

    // Tables were copied under different snapshots, so a derived row may be here without the parent that made it this
    // tenant's.
    async Task DeleteOrphansAsync(CancellationToken cancellationToken)
    {
        foreach (var table in direction.Tables.Reverse().Where(table => table.Table.IsByReference))
            await changes.Writer.ExecuteAsync(
                $"DELETE FROM {table.Definition.From} t WHERE ({direction.IsOurs(table)}) IS NOT TRUE",
                cancellationToken
            );
    }
}
