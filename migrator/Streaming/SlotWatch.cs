using Migrator.Messages;
using Migrator.Phases;
using Migrator.Runs;
using Migrator.Terminal;

namespace Migrator.Streaming;

/// <summary>Watches what the forward slot costs the shared server: log that cannot be removed. Past the limit the stream is given up, and not the server's disk.</summary>
public static class SlotWatch
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>Runs phases under watch.</summary>
    /// <exception cref="Model.MigratorException">The slot holds more than allowed, or is gone.</exception>
    public static async Task GuardAsync(
        PromotionRun run,
        Func<CancellationToken, Task> work,
        CancellationToken cancellationToken
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watching = WatchAsync(run, stop.Token);
        var working = work(stop.Token);
        if (await Task.WhenAny(working, watching) == watching)
        {
            await stop.CancelAsync();
            await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // Unless the work had just ended by itself.
            if (!working.IsCompletedSuccessfully)
                await watching;
        }
        await stop.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await working;
    }

    static async Task WatchAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var name = StreamDirection.Forward(run).Name;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var warned = false;
        while (true)
        {
            await Task.Delay(Interval, run.Clock, cancellationToken);
            // No slot: not yet, or not any more since the flip.
            if (await SlotStatus.ReadAsync(shared, name, cancellationToken) is not { } slot)
                continue;
            if (slot.WalStatus == "lost")
                throw StreamMessages.SlotLost(run.Tenant.Slug);
            var held = slot.WalHeldBytes;
            if (held > run.Options.MaxWal)
                throw StreamMessages.TooMuchLog(run.Tenant.Slug, held, run.Options.MaxWal);
            if (warned || held < run.Options.MaxWal / 2)
                continue;
            run.Progress.Warn(StreamMessages.MuchLog(held, run.Options.MaxWal));
            warned = true;
        }
    }
}
