using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Runs;

/// <summary>The isolated database as a whole: whether it is there, and its end.</summary>
public static class IsolatedDatabase
{
    /// <param name="server">A connection to another database of its server.</param>
    public static Task<bool> ExistsAsync(NpgsqlConnection server, Slug slug, CancellationToken cancellationToken) =>
        server.ExecuteScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = @name)",
            new { name = slug.DatabaseName },
            cancellationToken
        );

    /// <summary>Drops what a rolled back promotion has left; nothing happens where it is gone already.</summary>
    /// <exception cref="MigratorException">The database bears the name but was not made for this tenant.</exception>
    public static async Task DropAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken);
        if (!await ExistsAsync(server, run.Tenant.Slug, cancellationToken))
            return;
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
            await run.Isolated.RequireDisposableAsync(isolated, cancellationToken);
        await run.Databases.EndLeftoverSessionsAsync(cancellationToken);
        await DropAsync(server, run.Tenant.Slug, cancellationToken);
    }

    /// <summary>To be called before anything is done to the database; nothing happens where it is not there yet.</summary>
    /// <exception cref="MigratorException">The database was made from another shared database than this one.</exception>
    public static async Task RequireOursAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using (var server = await run.Databases.Maintenance.OpenConnectionAsync(cancellationToken))
            if (!await ExistsAsync(server, run.Tenant.Slug, cancellationToken))
                return;
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        if (
            await IsolatedMark.ReadAsync(isolated, cancellationToken) is { } mark
            && mark.Foreign(run.Identity, run.Tenant.Slug) is { } foreign
        )
            throw MigratorException.Refused(foreign);
    }

    /// <exception cref="MigratorException">Somebody is connected whose sessions are not ours to end.</exception>
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
            throw RollbackMessages.CannotDrop(slug, sessions, e);
        }
    }
}
