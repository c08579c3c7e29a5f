using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Doctor;

/// <summary>The tenants that an object may belong to, and which of them a run works on now.</summary>
static class PromotedTenants
{
    /// <summary>
    /// The present tenants, and the tenants in journal and guard that were renamed or deleted since; a promotion is
    /// listed under the name that the tenant had then.
    /// </summary>
    public static async Task<IReadOnlyList<Owner>> OwnersAsync(
        NpgsqlConnection shared,
        Tenancy tenancy,
        IReadOnlyList<InstalledGuard> guards,
        CancellationToken cancellationToken
    )
    {
        var promotions = (await JournalReader.NewestAsync(shared, cancellationToken)).ToDictionary(record =>
            record.TenantKey
        );
        var known = promotions.Values.Select(record => (Slug: record.TenantSlug, Key: record.TenantKey)).ToList();
        if (promotions.Count > 0)
            known.AddRange(
                await shared.QueryAsync<(string, string)>(
                    "SELECT DISTINCT tenant_slug, tenant_key FROM tenant_promotion.promotion",
                    cancellationToken
                )
            );
        known.AddRange(
            guards.Where(guard => guard.TenantKey is not null).Select(guard => (guard.TenantSlug!, guard.TenantKey!))
        );
        known.AddRange(
            await shared.QueryAsync<(string, string)>(
                $"SELECT {Sql.Identifier(tenancy.SlugColumn)}::text, {Sql.Identifier(tenancy.KeyColumn)}::text "
                    + $"FROM {tenancy.Table.Quoted}",
                cancellationToken
            )
        );
        var owners = new List<Owner>();
        foreach (var (text, key) in known.Distinct())
            if (Slug.TryParse(text, out var slug))
                owners.Add(new(new(slug, key, "", []), promotions.GetValueOrDefault(key)));
        return owners;
    }

    /// <summary>The tenants' keys, detected by the lock that <see cref="TenantLock"/> holds.</summary>
    public static async Task<HashSet<string>> ActiveRunsAsync(
        NpgsqlConnection shared,
        IReadOnlyList<Owner> owners,
        CancellationToken cancellationToken
    ) =>
        [
            .. await shared.QueryAsync<string>(
                $"""
                SELECT DISTINCT key
                FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid, unnest(@keys) key
                WHERE {ActiveRun.IsLockOf("key")} AND {ActiveRun.IsOurs}
                """,
                new { keys = owners.Select(owner => owner.Tenant.Key).Distinct().ToArray() },
                cancellationToken
            ),
        ];
}
