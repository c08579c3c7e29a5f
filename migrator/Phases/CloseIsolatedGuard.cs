using Migrator.Cutover;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Phases;

/// <summary>
/// The first step of a rollback by comparison: installs a guard in the isolated database and closes it. From
/// here on neither database takes the tenant's writes.
/// </summary>
public sealed class CloseIsolatedGuard : Phase
{
    public override string Name => PhaseName.CloseIsolatedGuard;
    public override string Title => "Close the isolated database for writes";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await run.IsolatedGuard.InstallAsync(cancellationToken);
        return await CutoverLoop.TryAsync(
            run,
            run.IsolatedGuard.Guard,
            async () =>
            {
                var guarded = run.IsolatedGuard.Guarded;
                run.Closed = await ClosedGuard.RefuseAsync(
                    guarded,
                    run.Options.MaxPause,
                    null,
                    guarded.SetClosedAsync,
                    cancellationToken
                );
                return new PhaseOutcome("neither side takes the tenant's writes");
            },
            cancellationToken
        );
    }

    /// <summary>
    /// Opens the isolated database for the tenant's writes again, because the rollback did not reach its flip.
    /// </summary>
    public override Task UndoAsync(PromotionRun run, CancellationToken cancellationToken) =>
        run.IsolatedGuard.RemoveAsync(cancellationToken);
}
