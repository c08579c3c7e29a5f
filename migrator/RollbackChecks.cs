using Migrator.Messages;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Verification;

namespace Migrator;

/// <summary>What a rollback looks at before it writes anything: a refusal leaves both databases as they are.</summary>
static class RollbackChecks
{
    public static async Task RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        var differences = await new SchemaDifference(run.Scope, shared, isolated).FindAsync(cancellationToken);
        if (differences.Count > 0)
            throw RollbackMessages.SchemasMovedApart(run.Tenant.Slug, differences);
        await StrayRows.RequireNoneAsync(isolated, run.Scope, run.Tenant, cancellationToken);
    }
}
