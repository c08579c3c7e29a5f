namespace Migrator.Streaming;

/// <summary>The transactions that a snapshot shows, as the stream numbers them.</summary>
/// <remarks>https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT-PARTS</remarks>
public sealed class ShownTransactions
{
    readonly ulong oldest;
    readonly ulong next;
    readonly HashSet<ulong> running;

    /// <param name="snapshot">A <c>pg_snapshot</c> as PostgreSQL writes it: <c>xmin:xmax:xip,xip</c>.</param>
    public ShownTransactions(string snapshot)
    {
        var parts = snapshot.Split(':');
        (oldest, next) = (ulong.Parse(parts[0]), ulong.Parse(parts[1]));
        running = [.. parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(ulong.Parse)];
    }

    /// <param name="transaction">The number without its epoch; not further from the snapshot than 2^31.</param>
    public bool Shows(uint transaction)
    {
        var full = next + (ulong)(long)(int)(transaction - (uint)next);
        return full < oldest || (full < next && !running.Contains(full));
    }
}
