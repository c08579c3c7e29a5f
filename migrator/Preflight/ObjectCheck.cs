using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Schema;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>Missing extensions on the target, and objects of the shared database that a promotion affects.</summary>
sealed class ObjectCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
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
                context.Faults.Add(PreflightMessages.ExtensionMissing(extension));
            else if (!creatable && !await InstalledAsync(extension, cancellationToken))
                context.Faults.Add(PreflightMessages.ExtensionNotCreatable(extension, context.Slug));

        foreach (
            var trigger in await context.Shared.QueryAsync<string>(
                "SELECT evtname::text FROM pg_event_trigger WHERE evtenabled <> 'D'",
                cancellationToken
            )
        )
            context.Warnings.Add(PreflightMessages.EventTrigger(trigger));
        foreach (
            var publication in await context.Shared.QueryAsync<string>(
                "SELECT pubname::text FROM pg_publication",
                cancellationToken
            )
        )
            context.Warnings.Add(PreflightMessages.Publication(publication));
        foreach (
            var session in await context.Shared.QueryAsync<string>(
                """
                SELECT format('process %s (%s, %s), open for %s s',
                              pid, usename, state, round(extract(epoch FROM now() - xact_start)))
                FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                  AND xact_start < now() - interval '1 minute'
                """,
                cancellationToken
            )
        )
            context.Warnings.Add(PreflightMessages.OldTransaction(session));
    }

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
