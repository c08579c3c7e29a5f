namespace Migrator.Connections;

/// <summary>Work that ends early when something that is watched meanwhile forbids it.</summary>
public static class Watched
{
    /// <param name="watch">Ends with an exception, or when it is cancelled.</param>
    public static async Task RunAsync(
        Func<CancellationToken, Task> watch,
        Func<CancellationToken, Task> work,
        CancellationToken cancellationToken
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watching = watch(stop.Token);
        var working = work(stop.Token);
        if (await Task.WhenAny(working, watching) == watching)
        {
            await stop.CancelAsync();
            await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // The work may have ended by itself at the same moment.
            if (!working.IsCompletedSuccessfully)
                await watching;
        }
        await stop.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await working;
    }
}
