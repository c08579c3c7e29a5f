using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Routing;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>Reads everything and changes nothing.</summary>
public sealed class PreflightInspection(
    MigratorSettings settings,
    Databases databases,
    Slug slug,
    string mode,
    int jobs
)
{
    const int OldestMajor = 14;

    public async Task<PreflightResult> RunAsync(CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var server = await databases.Maintenance.OpenConnectionAsync(cancellationToken);
        // One snapshot for all reads, so that the result is consistent.
        await using var reading = await Snapshots.BeginReadOnlyAsync(shared, cancellationToken);
        var snapshot = await shared.ExecuteScalarAsync<string>("SELECT pg_export_snapshot()", cancellationToken);

        // A promotion has looked the tenant up before, to know whose lock to take: another run may have moved the tenant
        // until the lock was held, and everything below is to be of one snapshot.
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        if (tenant.IsIsolated)
            throw PromotionMessages.AlreadyIsolated(slug);
        var catalog = await Catalog.ReadAsync(shared, cancellationToken);
        var scope = TenantScope.Classify(catalog, settings.Tenancy);
        var context = new PreflightContext(settings.Tenancy, databases, tenant, shared, server, catalog, scope)
        {
            Snapshot = snapshot!,
            Jobs = jobs,
        };
        if (tenant.IsolationMode != Tenant.SharedMode)
            context.Faults.Add(TenantMessages.UnknownMode(slug, tenant.IsolationMode));
        if (await IsFencedAsync(context, cancellationToken))
            context.Faults.Add(GuardMessages.StillFenced(slug));
        var facts = new PreflightFacts("", shared.PostgreSqlVersion.Major, server.PostgreSqlVersion.Major);
        var tools = await ToolsAsync(context, facts, cancellationToken);
        if (new RoutingFolder(settings.RoutingDirectory).WhyNotWritable() is { } why)
            context.Faults.Add(PreflightMessages.RoutingNotWritable(settings.RoutingDirectory, why));
        await CheckDefinitionsAsync(context, cancellationToken);
        // The other checks read rows, and need the rights and the rules that the checks so far have confirmed.
        var plan = context.Faults.Count == 0 ? await CheckRowsAsync(context, cancellationToken) : [];
        return new(tenant, scope, tools, facts, context.Faults, context.Warnings, plan, context.Unowned);
    }

    // The tenant's mode was set by hand after finalize.
    static async Task<bool> IsFencedAsync(PreflightContext context, CancellationToken cancellationToken) =>
        await JournalReader.FindAsync(context.Shared, context.Tenant.Key, cancellationToken)
            is { Stage: PromotionStage.Finalized }
        && await WriteGuard.StateAsync(context.Shared, context.Tenant.Key, cancellationToken) == GuardState.Moved;

    /// <summary>Why nothing can be moved between servers of these major versions.</summary>
    internal static IEnumerable<string> WhyNot(int shared, int isolated)
    {
        if (shared < OldestMajor)
            yield return PreflightMessages.ServerTooOld("shared", shared);
        if (isolated < shared)
            yield return PreflightMessages.TargetOlder(shared, isolated);
    }

    async Task<PgTools?> ToolsAsync(PreflightContext context, PreflightFacts facts, CancellationToken cancellationToken)
    {
        context.Faults.AddRange(WhyNot(facts.SharedMajor, facts.IsolatedMajor));
        if (await context.Shared.ExecuteScalarAsync<bool>("SELECT pg_is_in_recovery()", cancellationToken))
            context.Faults.Add(PreflightMessages.IsStandby(databases.SharedServer));
        var tools = await PgTools.FindAsync(facts.SharedMajor, facts.IsolatedMajor, cancellationToken);
        if (tools is null)
            context.Faults.Add(PreflightMessages.ToolsMissing(facts.SharedMajor));
        return tools;
    }

    async Task CheckDefinitionsAsync(PreflightContext context, CancellationToken cancellationToken)
    {
        await new ScopeCheck(context).RunAsync(cancellationToken);
        await new TreeCheck(context).RunAsync(cancellationToken);
        await new WhereCheck(context).RunAsync(cancellationToken);
        QueueCheck.Run(context);
        await CheckSessionsAsync(context, cancellationToken);
        await new PrivilegeCheck(context).RunAsync(cancellationToken);
        await new TargetCheck(context).RunAsync(cancellationToken);
        await new LoginCheck(context).RunAsync(cancellationToken);
        await new ObjectCheck(context).RunAsync(cancellationToken);
        await new ExpressionCheck(context).RunAsync(cancellationToken);
        await new PresetCheck(context).RunAsync(cancellationToken);
        if (mode != PromotionOptions.Online)
            return;
        var readiness = await StreamReadiness.CheckAsync(
            context.Shared,
            context.Server,
            context.Scope,
            databases,
            cancellationToken
        );
        context.Faults.AddRange(readiness.Faults);
        context.Warnings.AddRange(readiness.Warnings);
    }

    async Task CheckSessionsAsync(PreflightContext context, CancellationToken cancellationToken)
    {
        foreach (var server in (NpgsqlConnectionStringBuilder[])[settings.Source, settings.Target])
            if (await DirectSession.WhyNotAsync(server, cancellationToken) is { } why && !context.Faults.Contains(why))
                context.Faults.Add(why);
    }

    async Task<IReadOnlyList<PlannedTable>> CheckRowsAsync(
        PreflightContext context,
        CancellationToken cancellationToken
    )
    {
        await new ReferenceCheck(context).RunAsync(cancellationToken);
        await new RowCheck(context).RunAsync(cancellationToken);
        await new IndexCheck(context).RunAsync(cancellationToken);
        await new LargeValueCheck(context).RunAsync(cancellationToken);
        await new LargeObjectCheck(context).RunAsync(cancellationToken);
        await new StrangersCheck(context).RunAsync(cancellationToken);
        var plan = await PlanAsync(context, cancellationToken);
        if (mode == PromotionOptions.Online)
            context.Faults.AddRange(StreamReadiness.TooLarge(plan));
        return plan;
    }

    // Of several ways PostgreSQL guesses half the table. What is more than can be counted in a moment stays a guess.
    static async Task<long> CountAsync(
        PreflightContext context,
        ScopedTable table,
        long guess,
        CancellationToken cancellationToken
    )
    {
        const long most = 100_000;
        var rows = await context.Shared.ExecuteScalarAsync<long>(
            $"""
            SELECT count(*) FROM (
                SELECT FROM {table.Table.From} t WHERE {context.Scope.CopiedOfAll(
                table,
                context.Tenant.Id
            )} LIMIT {most}) counted
            """,
            cancellationToken
        );
        return rows < most ? rows : Math.Max(guess, most);
    }

    static async Task<IReadOnlyList<PlannedTable>> PlanAsync(
        PreflightContext context,
        CancellationToken cancellationToken
    )
    {
        var plan = new List<PlannedTable>();
        foreach (var table in context.Scope.CopiedTables)
        {
            var explained = await context.Shared.ExecuteScalarAsync<string>(
                $"EXPLAIN (FORMAT JSON) SELECT * FROM {table.Table.From} t WHERE {context.Scope.CopiedOfAll(table, context.Tenant.Id)}",
                cancellationToken
            );
            using var document = System.Text.Json.JsonDocument.Parse(explained!);
            var rows = document.RootElement[0].GetProperty("Plan").GetProperty("Plan Rows").GetInt64();
            if (context.Scope.HasAlternatives(table))
                rows = await CountAsync(context, table, rows, cancellationToken);
            var share = table.Table.EstimatedRows > 0 ? Math.Min(1.0, (double)rows / table.Table.EstimatedRows) : 1;
            plan.Add(new(table, rows, (long)(table.Table.Bytes * share)));
        }
        return plan;
    }
}
