using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>Missing extensions on the target, and objects of the shared database that a promotion affects.</summary>
sealed class ObjectCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await CheckExtensionsAsync(cancellationToken);
        await CheckRulesAsync(cancellationToken);
        await CheckPreparedAsync(cancellationToken);
        await WarnOfOthersAsync(cancellationToken);
    }

    async Task CheckExtensionsAsync(CancellationToken cancellationToken)
    {
        var available = (
            await context.Server.QueryAsync<(string Name, bool Creatable)>(
                """
                SELECT name::text, bool_or(NOT superuser OR trusted)
                                   OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                       OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'cloudsqlsuperuser')
                FROM pg_available_extension_versions GROUP BY name
                """,
                cancellationToken
            )
        ).ToDictionary(row => row.Name, row => row.Creatable);
        foreach (
            var extension in await context.Shared.QueryAsync<string>(
                "SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql'",
                cancellationToken
            )
        )
            if (!available.TryGetValue(extension, out var creatable))
                context.Faults.Add(ObjectMessages.ExtensionMissing(extension));
            else if (!creatable && !await InstalledAsync(extension, cancellationToken))
                context.Faults.Add(ObjectMessages.ExtensionNotCreatable(extension, context.Slug));
    }

    async Task WarnOfOthersAsync(CancellationToken cancellationToken)
    {
        foreach (
            var trigger in await context.Shared.QueryAsync<string>(
                "SELECT evtname::text FROM pg_event_trigger WHERE evtenabled <> 'D'",
                cancellationToken
            )
        )
            context.Warnings.Add(ObjectMessages.EventTrigger(trigger));
        foreach (
            var publication in await context.Shared.QueryAsync<string>(
                "SELECT pubname::text FROM pg_publication",
                cancellationToken
            )
        )
            context.Warnings.Add(ObjectMessages.Publication(publication));
        foreach (
            var role in await context.Shared.QueryAsync<string>(
                """
                SELECT DISTINCT defaclrole::regrole::text FROM pg_default_acl
                WHERE NOT pg_has_role(defaclrole, 'USAGE') ORDER BY 1
                """,
                cancellationToken
            )
        )
            context.Warnings.Add(ObjectMessages.DefaultPrivilegesStay(role));
        foreach (var transaction in await LockHolders.OldAsync(context.Shared, cancellationToken))
            context.Warnings.Add(PreflightMessages.OldTransaction(transaction));
    }

    // A rule turns a statement into others: what finalize deletes, and a rollback writes, would not be what was asked for.
    async Task CheckRulesAsync(CancellationToken cancellationToken)
    {
        var rules = await context.Shared.QueryAsync<(string Schema, string Table, string Rule)>(
            """
            SELECT n.nspname::text, c.relname::text, r.rulename::text
            FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D' AND c.relkind IN ('r', 'p')
            ORDER BY 1, 2, 3
            """,
            cancellationToken
        );
        foreach (var (schema, table, rule) in rules)
            if (IsTenantData(new(schema, table)))
                context.Faults.Add(ObjectMessages.RewriteRule(new(schema, table), rule));
    }

    async Task CheckPreparedAsync(CancellationToken cancellationToken)
    {
        var held = await LockHolders.PreparedOnAsync(
            context.Shared,
            context.Scope.TenantTables.SelectMany(table =>
                table.Table.Leaves.Select(leaf => leaf.Oid).Append(table.Table.Oid)
            ),
            cancellationToken
        );
        foreach (var (transaction, tables) in held)
            context.Faults.Add(ObjectMessages.PreparedHolds(transaction, tables));
    }

    // A partition speaks for the table that it is a part of.
    bool IsTenantData(TableName name) =>
        context.Scope.TenantTables.Any(table =>
            table.Name == name || table.Table.Leaves.Any(leaf => leaf.Name == name)
        );

    async Task<bool> InstalledAsync(string extension, CancellationToken cancellationToken)
    {
        try
        {
            await using var isolated = await context.Databases.Isolated.OpenConnectionAsync(cancellationToken);
            return await isolated.ExecuteScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = @extension)",
                new { extension },
                cancellationToken
            );
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidCatalogName)
        {
            return false;
        }
    }
}
