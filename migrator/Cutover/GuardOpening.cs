using Migrator.Journal;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Cutover;

/// <summary>
/// Opens the guard in the shared database again, so that the tenant's writes resume there. The same commit
/// forgets the phases that relied on the closed guard.
/// </summary>
public static class GuardOpening
{
    // In mode fenced the tenant may now write rows that the copy does not have.
    static readonly string[] BehindTheGuard =
    [
        PhaseName.CloneSchema,
        PhaseName.CloseGuard,
        PhaseName.CopyData,
        PhaseName.BuildSchema,
        PhaseName.Verify,
        PhaseName.CutOver,
    ];

    /// <summary>In mode online the copy and the stream stay; only the verification has to run again.</summary>
    public static Task OnlineAsync(PromotionRun run, CancellationToken cancellationToken) =>
        OpenAsync(run, [PhaseName.Verify, PhaseName.CutOver], cancellationToken);

    public static Task FencedAsync(PromotionRun run, CancellationToken cancellationToken) =>
        OpenAsync(run, BehindTheGuard, cancellationToken);

    static async Task OpenAsync(PromotionRun run, string[] forgotten, CancellationToken cancellationToken)
    {
        await run.Journal.TransactAsync(
            async transaction =>
            {
                await run.Guard.OpenAsync(transaction);
                await PhaseJournal.ForgetAsync(transaction, run.Id, forgotten);
            },
            cancellationToken
        );
        run.Closed = null;
        await run.Guard.CalmAsync(cancellationToken);
    }
}
