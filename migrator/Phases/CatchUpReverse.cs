using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Streaming;
using Migrator.Terminal;
using Migrator.Verification;

namespace Migrator.Phases;

/// <summary>The first step of a rollback by stream: what was written in the isolated database since the flip is applied in the shared one, while the tenant writes on.</summary>
public sealed class CatchUpReverse : Phase
{
    public const string PhaseName = "follow-home";

    public override string Name => PhaseName;
    public override string Title => "Bring the changes home";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await CloseIsolatedGuard.InstallAsync(run, cancellationToken);
        var changes = await CatchUp.CatchUpAsync(run, StreamDirection.Reverse(run), exact: true, cancellationToken);
        return new($"{changes:N0} changes");
    }
}

/// <summary>Every row of both sides at one exact point, the isolated side under a snapshot while the tenant writes on.</summary>
public sealed class VerifyReverse : Phase
{
    public const string PhaseName = "verify-home";

    public override string Name => PhaseName;
    public override string Title => "Verify every row";
    public override string State => PromotionState.RollingBack;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var direction = StreamDirection.Reverse(run);
        await CatchUp.CatchUpAsync(run, direction, exact: true, cancellationToken);
        await using var point = await ConsistentPoint.SyncAsync(direction, exact: true, null, cancellationToken);
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant, new(Isolated: point.Snapshot));
        var results = await comparison.DigestsAsync(
            run.Scope.TenantTables.Where(table => table.Table.IsStreamable),
            run.Options.Jobs,
            null,
            cancellationToken
        );
        if (results.FirstOrDefault(result => !result.IsEqual) is { } other)
            throw StreamMessages.StreamDiverged(run.Tenant.Slug, $"{other.Table.Name} differs.");
        return new($"{results.Sum(result => result.Shared.Rows):N0} rows equal at {point.Position}");
    }
}
