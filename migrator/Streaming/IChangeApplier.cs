using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>Repeats the changes of the source on the target, by key.</summary>
/// <remarks>
/// Three of them: <see cref="StreamingApplier"/> follows the forward stream, <see cref="ConsistentPointApplier"/>
/// brings the target to one position of the source, and <see cref="ReverseApplier"/> follows the reverse stream.
/// </remarks>
interface IChangeApplier : IAsyncDisposable
{
    /// <summary>Changes were applied and are not committed yet.</summary>
    bool IsOpen { get; }

    Task OpenAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Applies a batch. At the end of a source transaction the applier may commit, together with the position reached.
    /// </summary>
    Task ApplyAsync(ChangeBatch batch, CancellationToken cancellationToken);

    /// <summary>The source is about to stand still: what has to be fetched waits for the next watermark.</summary>
    void DeferRefetches() { }

    /// <summary>To be called when the stream has ended where it was to end.</summary>
    /// <returns>The position committed; null when there was nothing to commit.</returns>
    Task<NpgsqlLogSequenceNumber?> CompleteAsync(CancellationToken cancellationToken) =>
        Task.FromResult<NpgsqlLogSequenceNumber?>(null);
}
