namespace Migrator.Streaming;

/// <summary>
/// Follows the forward stream and commits at the ends of source transactions. Rows that the source must be asked for
/// are fetched as they are now, which may be ahead of the stream.
/// </summary>
sealed class StreamingApplier(StreamDirection direction, TargetState state, DirtyKeys? touched) : IChangeApplier
{
    readonly ForwardChanges changes = new(direction, state, snapshot: null, touched);
    bool defersRefetches;

    public bool IsOpen => changes.Writer.IsOpen;

    public Task OpenAsync(CancellationToken cancellationToken) => changes.Writer.OpenAsync(cancellationToken);

    public void DeferRefetches() => defersRefetches = true;

    /// <exception cref="ConsistentPointNeededException">Rows have to be fetched as of this position.</exception>
    public async Task ApplyAsync(ChangeBatch batch, CancellationToken cancellationToken)
    {
        await changes.ApplyAsync(batch, cancellationToken);
        if (!batch.EndsTransaction || !IsOpen || !MayCommit(batch))
            return;
        await changes.RefetchAsync(cancellationToken);
        await changes.Writer.CommitAsync(batch.End, cancellationToken);
    }

    public ValueTask DisposeAsync() => changes.Writer.DisposeAsync();

    // The source may be ahead of the stream. Where constraints are in force, a row fetched from the source could
    // collide with an older row, and nothing that comes later in the stream could repair that.
    bool MayCommit(ChangeBatch batch)
    {
        if (state == TargetState.Mixed || !changes.HasPending)
            return true;
        // The source stands still when the watermark comes, and is then no longer ahead.
        return defersRefetches ? batch.Watermarks.Count > 0 : throw new ConsistentPointNeededException();
    }
}

/// <summary>
/// Rows have to be fetched from the source as it was at one position: only a <see cref="ConsistentPoint"/> leads on.
/// </summary>
public sealed class ConsistentPointNeededException : Exception;
