using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>A table's rows as its rule divides them.</summary>
/// <param name="Table">Null for a table that no rule covers.</param>
/// <param name="Condition">The condition on a row <c>t</c> under which the row is copied.</param>
public sealed record ScopedRows(
    TableName Name,
    ScopedTable? Table,
    string Condition,
    long Rows,
    long Bytes,
    long Others,
    IReadOnlyList<string> Samples
);

/// <summary>Counts whose rows each table holds, in one snapshot of the shared database, which is only read.</summary>
public sealed record ScopeInspection(
    TenantScope Scope,
    IReadOnlyList<ScopedRows> Tables,
    IReadOnlyList<string> Faults,
    IReadOnlyList<string> Warnings
)
{
    const int Samples = 3;

    /// <param name="checks">Look for rows that would lose what they name, or be of two tenants.</param>
    /// <exception cref="MigratorException">There is no such tenant.</exception>
    public static async Task<ScopeInspection> ReadAsync(
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        bool checks,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var reading = await Snapshots.BeginReadOnlyAsync(shared, cancellationToken);
        var snapshot = await shared.ExecuteScalarAsync<string>("SELECT pg_export_snapshot()", cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        var catalog = await Catalog.ReadAsync(shared, cancellationToken);
        var strangers = catalog.Strangers(settings.Tenancy.Table);
        var scope = TenantScope.Classify(catalog, settings.Tenancy).Without(strangers.Contains);
        // No check of a rule asks the other server.
        var context = new PreflightContext(settings.Tenancy, databases, tenant, shared, shared, catalog, scope)
        {
            Snapshot = snapshot!,
        };
        if (strangers.Count > 0)
            context.Warnings.Add(ScopeMessages.TablesOfStrangers(strangers.Select(table => table.Name)));
        if (checks)
            await CheckAsync(context, cancellationToken);
        var tables = new List<ScopedRows>();
        foreach (var table in catalog.Tables.Except(strangers).OrderBy(table => table.Name))
        {
            var scoped = scope.Tables.FirstOrDefault(one => one.Name == table.Name);
            var condition = scoped is null ? "false" : context.Copied(scoped, "t");
            tables.Add(await CountAsync(shared, table, scoped, condition, cancellationToken));
        }
        return new(scope, tables, context.Faults, context.Warnings);
    }

    static async Task CheckAsync(PreflightContext context, CancellationToken cancellationToken)
    {
        await new ScopeCheck(context).RunAsync(cancellationToken);
        await new TreeCheck(context).RunAsync(cancellationToken);
        await new WhereCheck(context).RunAsync(cancellationToken);
        if (context.Faults.Count > 0)
            return;
        await new ReferenceCheck(context).RunAsync(cancellationToken);
        await new RowCheck(context).RunAsync(cancellationToken);
        await new IndexCheck(context).RunAsync(cancellationToken);
        await new StrangersCheck(context).RunAsync(cancellationToken);
    }

    static async Task<ScopedRows> CountAsync(
        NpgsqlConnection shared,
        TableDefinition table,
        ScopedTable? scoped,
        string condition,
        CancellationToken cancellationToken
    )
    {
        var (rows, others) = await shared.QuerySingleAsync<(long, long)>(
            $"""
            SELECT count(*) FILTER (WHERE mine), count(*) FILTER (WHERE mine IS NOT TRUE)
            FROM (SELECT ({condition}) AS mine FROM {table.From} t) counted
            """,
            cancellationToken
        );
        IReadOnlyList<string> samples =
            rows == 0 || scoped is null
                ? []
                : await shared.QueryAsync<string>(
                    $"SELECT {InwardReferences.Label(scoped, "t")} FROM {table.From} t WHERE {condition} LIMIT {Samples}",
                    cancellationToken
                );
        var bytes = rows == 0 ? 0 : (long)(table.Bytes * ((double)rows / (rows + others)));
        return new(table.Name, scoped, condition, rows, bytes, others, samples);
    }
}
