using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>
/// The mark in an isolated database: its tenant, and the promotion and the shared database that it was made
/// for.
/// </summary>
/// <param name="Shared">The shared database; null in a mark from an earlier version.</param>
/// <param name="IsLive">
/// The isolated database takes the tenant's writes: since the flip, until a rollback has flipped back.
/// </param>
public sealed record IsolatedMark(string TenantKey, long Promotion, DatabaseIdentity? Shared, bool IsLive)
{
    /// <summary>The mark in the connection's database; null if there is none.</summary>
    public static async Task<IsolatedMark?> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!await OwnSchema.HasAsync(connection, "owner", cancellationToken))
            return null;
        // Newer columns are read through JSON, because an older mark lacks them.
        var rows = await connection.QueryAsync<(
            string Key,
            long Promotion,
            string? System,
            long? Oid,
            string? Name,
            bool Live
        )>(
            """
            SELECT tenant_key, promotion_id, mark ->> 'shared_system', (mark ->> 'shared_oid')::bigint,
                   mark ->> 'shared_name', coalesce((mark ->> 'live')::boolean, false)
            FROM tenant_promotion.owner, to_jsonb(owner) mark
            """,
            cancellationToken
        );
        return rows is [var row, ..]
            ? new(
                row.Key,
                row.Promotion,
                row.System is null ? null : new(row.System, row.Oid!.Value, row.Name!),
                row.Live
            )
            : null;
    }

    /// <summary>The identity of the connection's database.</summary>
    public static async Task<DatabaseIdentity> IdentityAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        var (system, oid, name) = await connection.QuerySingleAsync<(string, long, string)>(
            """
            SELECT c.system_identifier::text, d.oid::bigint, d.datname::text
            FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
            """,
            cancellationToken
        );
        return new(system, oid, name);
    }

    /// <summary>
    /// Null if the database was made from <paramref name="shared"/>; otherwise the message that names its
    /// origin.
    /// </summary>
    public string? Foreign(DatabaseIdentity shared, Slug slug) =>
        Shared is null || Shared.IsSameAs(shared) ? null : PreflightMessages.IsolatedOfAnother(slug, Shared, shared);
}
