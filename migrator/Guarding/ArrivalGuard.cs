using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// The guard of the isolated database while the tenant arrives: refuses every write that is not the migrator's, from
/// the first table on until the mark says that the database is live.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-createtrigger.html</remarks>
public static class ArrivalGuard
{
    /// <summary>The name of the trigger that each table has.</summary>
    public const string Trigger = WriteGuard.TriggerPrefix + "arrival";

    const int RemovalTimeout = 50;

    /// <summary>Guards the tables that have no guard yet, in the caller's transaction.</summary>
    /// <exception cref="MigratorException">Somebody has written into one of these tables already.</exception>
    public static async Task InstallAsync(NpgsqlConnection isolated, Slug slug, CancellationToken cancellationToken)
    {
        try
        {
            await isolated.ExecuteAsync(SqlFile.Read("arrival.sql"), cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            throw GuardMessages.WrittenBeforeArrival(slug, e);
        }
    }

    /// <summary>
    /// Whether the guard refuses the tenant's writes. A mark from before there was such a guard is not live, and
    /// refuses nothing.
    /// </summary>
    public static async Task<bool> IsClosedAsync(NpgsqlConnection isolated, CancellationToken cancellationToken) =>
        await OwnSchema.HasAsync(isolated, "owner", cancellationToken)
        && await isolated.ExecuteScalarAsync<bool>(
            $"""
            SELECT EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = @Trigger AND {OwnTriggers.IsOurs})
               AND NOT EXISTS (SELECT FROM tenant_promotion.owner o WHERE (to_jsonb(o) ->> 'live')::boolean)
            """,
            new { Trigger },
            cancellationToken
        );

    /// <summary>
    /// Removes the triggers of a database that is live. A trigger whose table is in use stays: on a live database it
    /// lets every write pass.
    /// </summary>
    public static async Task RemoveAsync(NpgsqlConnection isolated, CancellationToken cancellationToken)
    {
        var tables = await isolated.QueryAsync<string>(
            $"SELECT t.tgrelid::regclass::text FROM pg_trigger t WHERE t.tgname = @Trigger AND {OwnTriggers.IsOurs}",
            new { Trigger },
            cancellationToken
        );
        foreach (var table in tables)
            try
            {
                await using var transaction = await isolated.BeginTransactionAsync(cancellationToken);
                await isolated.ExecuteAsync($"SET LOCAL lock_timeout = {RemovalTimeout}", cancellationToken);
                await isolated.ExecuteAsync(
                    $"DROP TRIGGER IF EXISTS {Sql.Identifier(Trigger)} ON {table}",
                    cancellationToken
                );
                await transaction.CommitAsync(cancellationToken);
            }
            catch (PostgresException e) when (TableLock.IsRefused(e)) { }
    }
}
