using Migrator.Connections;
using Migrator.Messages;

namespace Migrator.Streaming;

/// <summary>
/// Watches the WAL that the shared server cannot remove because of the forward slot. Past the limit the stream is given
/// up, so that the server's disk does not fill.
/// </summary>
public static class SlotWatch
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>Runs phases under watch.</summary>
    /// <param name="maxWal">How many bytes of WAL the slot may hold.</param>
    /// <exception cref="Model.MigratorException">The slot holds more than allowed, or is gone.</exception>
    public static Task GuardAsync(
        StreamContext context,
        long maxWal,
        Func<CancellationToken, Task> work,
        CancellationToken cancellationToken
    ) => Watched.RunAsync(token => WatchAsync(context, maxWal, token), work, cancellationToken);

    static async Task WatchAsync(StreamContext context, long maxWal, CancellationToken cancellationToken)
    {
        try
        {
            await LookAsync(context, maxWal, cancellationToken);
        }
        finally
        {
            context.Progress.Streams(null);
        }
    }

    static async Task LookAsync(StreamContext context, long maxWal, CancellationToken cancellationToken)
    {
        var name = StreamDirection.Forward(context).Name;
        await using var shared = await context.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var warned = false;
        while (true)
        {
            await Task.Delay(Interval, context.Clock, cancellationToken);
            // There is no slot before the stream starts, and none after the flip.
            if (await SlotStatus.ReadAsync(shared, name, cancellationToken) is not { } slot)
            {
                context.Progress.Streams(null);
                continue;
            }
            if (slot.WalStatus == "lost")
                throw StreamMessages.SlotLost(context.Tenant.Slug);
            var held = slot.WalHeldBytes;
            context.Progress.Streams((slot.LagBytes, held));
            if (held > maxWal)
                throw StreamMessages.TooMuchLog(context.Tenant.Slug, held, maxWal);
            if (warned || held < maxWal / 2)
                continue;
            context.Progress.Warn(StreamMessages.MuchLog(held, maxWal));
            warned = true;
        }
    }
}
