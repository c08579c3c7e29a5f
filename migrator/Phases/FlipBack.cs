using Migrator.Journal;
using Migrator.Model;
using Migrator.Routing;

namespace Migrator.Phases;

/// <summary>The tenant's writes are accepted by the shared database again: one commit flips the row, opens the guard and tells the applications.</summary>
public sealed class FlipBack : Phase
{
    public const string PhaseName = "flip-back";

    public override string Name => PhaseName;
    public override string Title => "Flip back to the shared database";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await CommitAsync(run, run.Options.MaxPause, cancellationToken);
        return new("the shared database takes the tenant's writes again", Recorded: true);
    }

    /// <summary>The one commit that decides.</summary>
    /// <param name="timeout">How long to wait for whoever holds the tenant's row.</param>
    public static Task CommitAsync(PromotionRun run, TimeSpan timeout, CancellationToken cancellationToken) =>
        run.Journal.TransactAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync($"SET LOCAL lock_timeout = {(int)timeout.TotalMilliseconds}");
                await run.Guard.PassAsync(transaction.Connection, cancellationToken);
                await TenantRow.FlipAsync(transaction, run.Tenancy, run.Scope, run.Tenant, Tenant.SharedMode, null);
                await run.Guard.OpenAsync(transaction);
                await PromotionJournal.SetStateAsync(transaction, run.Id, PromotionState.Shared);
                await PromotionJournal.EndPhaseAsync(transaction, run.Id, PhaseName, null);
                await TenantRow.NotifyAsync(transaction, run.Tenant);
            },
            cancellationToken
        );
}
