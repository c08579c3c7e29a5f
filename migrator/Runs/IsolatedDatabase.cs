using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Runs;

/// <summary>The isolated database as a whole: whether it exists, and how it is dropped.</summary>
public static class IsolatedDatabase
{
    /// <param name="server">A connection to another database of the same server.</param>
    public static Task<bool> ExistsAsync(NpgsqlConnection server, Slug slug, CancellationToken cancellationToken) =>
        server.DatabaseExistsAsync(slug.DatabaseName, cancellationToken);

    /// <summary>
    /// The two scopes of a promotion. After the flip a migration may have reached one side only: what is common is the scope of
    /// the shared database without what the isolated one has not. The scope itself is without tables that strangers have made
    /// since: the isolated database has none of that name, and their owners need not let us read them.
    /// </summary>
    /// <param name="scope">All of the shared database.</param>
    public static async Task<(TenantScope Scope, TenantScope Common)> ScopesAsync(
        Databases databases,
        PromotionRecord record,
        TenantScope scope,
        CancellationToken cancellationToken
    )
    {
        if (!record.IsFlipped)
            return (scope, scope);
        await using (var server = await databases.Maintenance.OpenConnectionAsync(cancellationToken))
            if (!await ExistsAsync(server, databases.Slug, cancellationToken))
                return (scope, scope);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var common = scope.In(await Catalog.ReadAsync(isolated, cancellationToken));
        return (scope.Without(table => !table.Owned && common.Tables.All(one => one.Name != table.Name)), common);
    }

    /// <summary>Drops the database of a promotion that was rolled back; does nothing if it does not exist.</summary>
    /// <exception cref="MigratorException">
    /// The database has the tenant's name, but was not made for this tenant.
    /// </exception>
    public static async Task DropAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken);
        if (!await ExistsAsync(server, run.Tenant.Slug, cancellationToken))
            return;
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
            await run.Isolated.RequireDisposableAsync(isolated, cancellationToken);
        await run.Databases.EndLeftoverSessionsAsync(run.Clock, cancellationToken);
        await DropAsync(server, run.Tenant.Slug, cancellationToken);
    }

    /// <summary>Must be called before any change of the database; does nothing if it does not exist yet.</summary>
    /// <exception cref="MigratorException">The database was made from another shared database.</exception>
    public static async Task RequireOursAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using (var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken))
        {
            await WriteAccess.RequireAsync(server, cancellationToken);
            if (!await ExistsAsync(server, run.Tenant.Slug, cancellationToken))
                return;
        }
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await WriteAccess.RequireAsync(isolated, cancellationToken);
        if (
            await IsolatedMark.ReadAsync(isolated, cancellationToken) is { } mark
            && mark.Foreign(run.Identity, run.Tenant.Slug) is { } foreign
        )
            throw MigratorException.Refused(foreign);
    }

    /// <summary>Refuses writes of all but the migrator, also in tables that came since the last call; safe to repeat.</summary>
    /// <remarks>A session of the application may have outlived an earlier rollback.</remarks>
    public static async Task CloseAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await isolated.BeginTransactionAsync(cancellationToken);
        await run.Isolated.RequireCurrentRunAsync(isolated, cancellationToken);
        await ArrivalGuard.InstallAsync(isolated, run.Tenant.Slug, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <exception cref="MigratorException">Sessions that the migrator may not end are connected.</exception>
    public static async Task DropAsync(NpgsqlConnection server, Slug slug, CancellationToken cancellationToken)
    {
        try
        {
            await server.ExecuteAsync(
                $"DROP DATABASE IF EXISTS {Sql.Identifier(slug.DatabaseName)} WITH (FORCE)",
                cancellationToken
            );
        }
        catch (PostgresException e)
            when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ObjectInUse)
        {
            const string connected = """
                SELECT format('%s of %s', count(*), usename)
                FROM pg_stat_activity WHERE datname = @name GROUP BY usename ORDER BY usename
                """;
            var sessions = await server.QueryAsync<string>(
                connected,
                new { name = slug.DatabaseName },
                cancellationToken
            );
            var prepared = await LockHolders.PreparedAsync(server, slug.DatabaseName, cancellationToken);
            throw RollbackMessages.CannotDrop(slug, [.. sessions, .. prepared], e);
        }
    }
}
