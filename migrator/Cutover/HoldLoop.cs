using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>Follows the stream and compares what it touches, until the promotion is let go.</summary>
public sealed class HoldLoop(PromotionRun run)
{
    static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    readonly HeldFeed feed = new(run);

    /// <returns>Who let the promotion go.</returns>
    /// <exception cref="StreamLostException">The hold has expired, and was to be released then.</exception>
    public async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        await using var ear = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await ear.ExecuteAsync($"LISTEN {HoldJournal.Channel}", cancellationToken);
        for (var compares = false; ; compares = !compares)
        {
            using var step = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var work = compares ? feed.CompareAsync(step.Token) : feed.FollowAsync(step.Token);
            string? by;
            try
            {
                by = await WatchAsync(ear, work, cancellationToken);
            }
            finally
            {
                await step.CancelAsync();
                await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            if (by is not null)
                return by;
            await work;
        }
    }

    // Null when the work has ended.
    async Task<string?> WatchAsync(NpgsqlConnection ear, Task work, CancellationToken cancellationToken)
    {
        while (!work.IsCompleted)
        {
            if (await DecideAsync(cancellationToken) is { } by)
                return by;
            await feed.NoteAsync(cancellationToken);
            await ear.WaitAsync(Poll, cancellationToken);
        }
        return null;
    }

    async Task<string?> DecideAsync(CancellationToken cancellationToken)
    {
        var now = run.Clock.GetUtcNow();
        var hold = await run.Journal.TransactAsync(
            async transaction => (await HoldJournal.FindAsync(transaction.Connection, run.Id, cancellationToken))!,
            cancellationToken
        );
        if (hold.GoBy is { } asked)
            return Told(asked);
        switch (HoldPolicy.Decide(hold, now))
        {
            case { Releases: true }:
                await run.Journal.TransactAsync(
                    transaction => HoldJournal.EndAsync(transaction, run.Id),
                    cancellationToken
                );
                throw HoldMessages.Expired(run.Tenant.Slug, hold.Until!.Value);
            case { By: { } by }:
                var isFirst = await run.Journal.TransactAsync(
                    transaction => HoldJournal.LetGoAsync(transaction.Connection, run.Id, by, cancellationToken),
                    cancellationToken
                );
                return isFirst ? Told(by) : null;
            default:
                return null;
        }
    }

    string Told(string by)
    {
        run.Progress.Info(HoldMessages.LetGo(run.Tenant.Slug, by));
        return by;
    }
}
