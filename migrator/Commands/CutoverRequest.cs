using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;

namespace Migrator.Commands;

/// <summary>Tells the run that holds a tenant to cut over, and waits for what becomes of that.</summary>
sealed class CutoverRequest(
    Databases databases,
    PromotionRecord promotion,
    IPromotionProgress progress,
    TimeProvider clock
)
{
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // Between two attempts a run has no lock for a moment, or longer when its server is away.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    const string Title = "Wait for the run that holds";

    /// <returns>False when there is no run, so that the caller has to cut over.</returns>
    /// <exception cref="MigratorException">The promotion holds again.</exception>
    public async Task<bool> IsDoneByHolderAsync(string by, CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await WriteAccess.RequireAsync(shared, cancellationToken);
        if (await ActiveRun.FindAsync(shared, promotion.TenantKey, cancellationToken) is null)
            return false;
        await HoldJournal.LetGoAsync(shared, promotion.Id, by, cancellationToken);
        progress.Info(HoldMessages.Asked(databases.Slug));
        progress.PhaseStarted(PhaseName.Hold, Title);
        var began = clock.GetTimestamp();
        var seen = began;
        while (true)
        {
            if (await ActiveRun.FindAsync(shared, promotion.TenantKey, cancellationToken) is not null)
                seen = clock.GetTimestamp();
            var record = await JournalReader.FindAsync(shared, promotion.TenantKey, cancellationToken);
            if (record?.Stage == PromotionStage.BeforeCutover)
            {
                var hold = await HoldJournal.FindAsync(shared, promotion.Id, cancellationToken);
                if (hold is not { GoAt: not null })
                    throw HoldMessages.Failed(databases.Slug, hold?.Failure);
            }
            var isDone = record?.Phase(PhaseName.Validate)?.EndedAt is not null;
            if (isDone)
                progress.PhaseEnded(PhaseName.Hold, Title, clock.GetElapsedTime(began), null);
            if (isDone || clock.GetElapsedTime(seen) > Patience)
                return isDone;
            await Task.Delay(Interval, clock, cancellationToken);
        }
    }
}
