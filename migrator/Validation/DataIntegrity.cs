using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Verification;

namespace Migrator.Validation;

/// <summary>The shared copy still has the verified digests. The isolated side may have changed since then.</summary>
public static class DataIntegrity
{
    const string Area = "data integrity";

    public static async Task<IReadOnlyList<Check>> CheckAsync(
        Databases databases,
        TenantScope scope,
        Tenant tenant,
        long promotion,
        int jobs,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var recorded = await JournalReader.DigestsAsync(connection, promotion, cancellationToken);
        var now = await new Comparison(databases, scope, tenant).DigestsAsync(jobs, cancellationToken);
        var tables = now.Where(result => result.Table.IsTenantData && result.Table.Scope != TableScope.Root).ToArray();
        var changed = tables
            .Where(result => !recorded.TryGetValue(result.Table.Name.ToString(), out var then) || then != result.Shared)
            .ToArray();
        var moved = tables.Count(result => !result.IsEqual);
        var copy =
            changed.Length == 0
                ? $"{tables.Length} tables, {tables.Sum(result => result.Shared.Rows):N0} rows"
                : $"changed since: {string.Join(", ", changed.Select(result => result.Table.Name))}";
        var since = moved == 0 ? "equal to the shared copy" : $"{moved} tables have changed since the flip";
        return
        [
            Check.Of(Area, "shared copy as verified", changed.Length == 0, copy),
            Check.Of(Area, "isolated copy", true, since),
        ];
    }
}
