using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Validation;

namespace Migrator.Phases;

/// <summary>After the flip: checks that the isolated database is complete, closed to others, safe and fast.</summary>
public sealed class Validate : Phase
{
    public override string Name => PhaseName.Validate;
    public override string Title => "Validate";
    public override string State => PromotionState.Isolated;
    public override bool EndsByPause => true;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (!run.Options.Validate)
            return new("skipped (--no-validate)");
        var checks = new List<Check>();
        checks.AddRange(
            await DataIntegrity.CheckAsync(
                run.Databases,
                run.Scope,
                run.Tenant,
                run.Id,
                run.Options.Jobs,
                cancellationToken
            )
        );
        checks.AddRange(
            await AccessControl.CheckAsync(run.Databases, run.Scope, run.Tenant, run.Tenancy, cancellationToken)
        );
        checks.AddRange(await Security.CheckAsync(run.Databases, run.Scope, run.Tenant, cancellationToken));
        checks.AddRange(
            await PerformanceBaseline.CheckAsync(run.Databases, run.Scope, run.Tenant, run.Clock, cancellationToken)
        );
        checks.AddRange(await ApplicationHealth.CheckAsync(run.Options.HealthUrls, run.Clock, cancellationToken));
        run.Progress.Validated(checks);
        var failed = checks.Where(check => check.Outcome == CheckOutcome.Failed).ToArray();
        if (failed.Length > 0)
            throw VerificationMessages.ValidationFailed(run.Tenant.Slug, failed);
        return new($"{checks.Count} checks", new ValidationFacts(checks), Happened: HookEvent.Validated);
    }
}
