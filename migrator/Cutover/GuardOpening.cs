using Migrator.Journal;
using Migrator.Model;
using Migrator.Runs;

namespace Migrator.Cutover;

/// <summary>Opens the guard in the shared database again: the tenant writes on there. What that makes worthless is forgotten in the same commit.</summary>
public static class GuardOpening
{
    // In mode fenced the tenant may write what the copy does not have.
    static readonly string[] BehindTheGuard =
    [
        PhaseName.CloneSchema,
        PhaseName.CloseGuard,
        PhaseName.CopyData,
        PhaseName.BuildSchema,
        PhaseName.Verify,
        PhaseName.CutOver,
    ];

    /// <summary>Online the copy stays, and the stream: only what was verified has to be verified again.</summary>
    public static Task OnlineAsync(PromotionRun run, CancellationToken cancellationToken) =>
        OpenAsync(run, [PhaseName.Verify, PhaseName.CutOver], cancellationToken);

    public static Task FencedAsync(PromotionRun run, CancellationToken cancellationToken) =>
        OpenAsync(run, BehindTheGuard, cancellationToken);

    static Task OpenAsync(PromotionRun run, string[] forgotten, CancellationToken cancellationToken) =>
        run.Journal.TransactAsync(
            async transaction =>
            {
                await run.Guard.OpenAsync(transaction);
                await PromotionJournal.ForgetPhasesAsync(transaction, run.Id, forgotten);
            },
            cancellationToken
        );
}
