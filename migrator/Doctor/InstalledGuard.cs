using Migrator.Connections;
using Migrator.Guarding;
using Npgsql;

namespace Migrator.Doctor;

/// <summary>A write guard in a database: its row, or only triggers and functions with its name.</summary>
/// <param name="Prefix">The prefix of the names of its triggers and functions.</param>
/// <param name="TenantKey">The key of the guard's tenant; null if the row is missing.</param>
/// <param name="Objects">The number of triggers and functions.</param>
public sealed record InstalledGuard(
    string Prefix,
    string? TenantKey,
    string? TenantSlug,
    string? State,
    DateTime? ChangedAt,
    long Objects
)
{
    public static async Task<IReadOnlyList<InstalledGuard>> ListAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        if (!await OwnSchema.HasAsync(connection, "guard", cancellationToken))
            return [];
        var objects = (
            await connection.QueryAsync<(string Prefix, long Count)>(
                $"""
                SELECT left(name, @length), count(*)
                FROM (SELECT t.tgname::text FROM pg_trigger t WHERE t.tgparentid = 0 AND {OwnTriggers.IsOurs}
                      UNION ALL
                      SELECT proname::text FROM pg_proc
                      WHERE pronamespace = 'tenant_promotion'::regnamespace) named (name)
                WHERE starts_with(name, @TriggerPrefix) AND NOT starts_with(name, @Fence) GROUP BY 1
                """,
                new
                {
                    length = WriteGuard.PrefixLength,
                    WriteGuard.TriggerPrefix,
                    Fence = Fence.Prefix,
                },
                cancellationToken
            )
        ).ToDictionary(row => row.Prefix, row => row.Count);
        var rows = (
            await connection.QueryAsync<(string Key, string Slug, string State, DateTime ChangedAt)>(
                "SELECT tenant_key, tenant_slug, state, changed_at FROM tenant_promotion.guard ORDER BY tenant_slug",
                cancellationToken
            )
        ).ToArray();
        var known = rows.Select(row => new InstalledGuard(
                WriteGuard.PrefixOf(row.Key),
                row.Key,
                row.Slug,
                row.State,
                row.ChangedAt,
                objects.GetValueOrDefault(WriteGuard.PrefixOf(row.Key))
            ))
            .ToArray();
        var rest = objects.Keys.Except(known.Select(guard => guard.Prefix)).Order(StringComparer.Ordinal);
        return
        [
            .. known,
            .. rest.Select(prefix => new InstalledGuard(prefix, null, null, null, null, objects[prefix])),
        ];
    }
}
