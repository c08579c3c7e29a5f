namespace Migrator.Streaming;

/// <summary>
/// Bounds the size of the rows that were read from a stream and are not yet applied: of large rows there is one in memory.
/// </summary>
public sealed class ReadAhead
{
    const long Most = 16_000_000;

    readonly Lock gate = new();
    TaskCompletionSource? room;
    long size;

    /// <summary>Rows were read.</summary>
    public void Add(long characters)
    {
        lock (gate)
            size += characters;
    }

    /// <summary>Rows were applied, and nothing refers to them any more.</summary>
    public void Release(long characters)
    {
        // The collector sees no need as long as the machine has memory; the next large row would be added to this one.
        if (characters > Most)
            GC.Collect();
        lock (gate)
        {
            size -= characters;
            if (size > Most)
                return;
            room?.TrySetResult();
            room = null;
        }
    }

    /// <summary>Waits until more may be read.</summary>
    public Task HasRoomAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (size <= Most)
                return Task.CompletedTask;
            room ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return room.Task.WaitAsync(cancellationToken);
        }
    }
}
