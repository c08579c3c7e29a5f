using System.Collections.Concurrent;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Connections;

/// <summary>
/// The schema <c>tenant_promotion</c>. Whoever may create a schema could make this one first, with tables whose triggers
/// run with the migrator's rights, and a guard whose pass word they know. Therefore the migrator uses the schema only if
/// the schema and every object in it belong to its own role or to a superuser.
/// </summary>
/// <remarks>
/// Nobody else can add an object to a schema that is ours, nor a trigger to a table that is ours:
/// https://www.postgresql.org/docs/current/ddl-priv.html. What is looked at once stays so.
/// </remarks>
public static class OwnSchema
{
    // By where it is, who looked, and its object id: a schema that somebody makes anew has another one.
    static readonly ConcurrentDictionary<(string Server, string Database, string? User, long Schema), bool> seen =
        new();

    /// <summary>Whether the relation <c>tenant_promotion.NAME</c> exists; the schema is checked first.</summary>
    /// <exception cref="MigratorException"><see cref="ExitCode.Refused"/>: somebody else made the schema.</exception>
    public static async Task<bool> HasAsync(
        NpgsqlConnection connection,
        string relation,
        CancellationToken cancellationToken
    )
    {
        var (schema, exists) = await connection.QuerySingleAsync<(long? Schema, bool Exists)>(
            """
            SELECT (SELECT oid::bigint FROM pg_namespace WHERE nspname = 'tenant_promotion'),
                   to_regclass('tenant_promotion.' || quote_ident(@relation)) IS NOT NULL
            """,
            new { relation },
            cancellationToken
        );
        if (schema is not { } oid)
            return false;
        var key = (connection.DataSource, connection.Database, connection.UserName, oid);
        if (!seen.ContainsKey(key))
        {
            await RequireAsync(connection, cancellationToken);
            seen.TryAdd(key, true);
        }
        return exists;
    }

    /// <summary>Creates the schema if there is none, in the caller's transaction, which then may create its tables.</summary>
    /// <exception cref="MigratorException"><see cref="ExitCode.Refused"/>: somebody else made the schema.</exception>
    public static async Task CreateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync("CREATE SCHEMA IF NOT EXISTS tenant_promotion", cancellationToken);
        await RequireAsync(connection, cancellationToken);
    }

    static async Task RequireAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var strangers = await connection.QueryAsync<string>(SqlFile.Read("strangers-objects.sql"), cancellationToken);
        if (strangers.Count > 0)
            throw ServerMessages.SchemaOfStrangers(connection.Database, connection.UserName, strangers);
    }
}
