using System.Text.Json;
using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Routing;

/// <summary>The flip's change of the tenant's row, the same on both sides.</summary>
public static class TenantRow
{
    /// <summary>The channel that notifies applications of a changed route; the payload is the tenant's slug.</summary>
    public const string Channel = "tenant_routing";

    /// <summary>The value of <c>settings.isolation</c>.</summary>
    public static JsonObject Isolation(Slug slug, DateTimeOffset at, string migrationVersion) =>
        new()
        {
            ["isolated_db_name"] = slug.DatabaseName,
            ["isolated_at"] = at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ"),
            ["migration_version"] = migrationVersion,
        };

    /// <summary>
    /// Sets the mode and merges <c>settings.isolation</c>; other keys stay. Null removes the key again. In a tree of tenants the
    /// rows below say the same.
    /// </summary>
    /// <param name="look">Called when nobody else can change the table any more.</param>
    public static Task FlipAsync(
        JournalTransaction transaction,
        Tenancy tenancy,
        TenantScope scope,
        Tenant tenant,
        string mode,
        JsonObject? isolation,
        Func<Task>? look = null
    ) =>
        TriggerDisabling.WithoutTriggersAsync(
            transaction.Connection,
            [tenancy.Table],
            async () =>
            {
                if (look is not null)
                    await look();
                return await UpdateAsync(transaction, tenancy, scope, tenant, mode, isolation);
            },
            transaction.Cancel
        );

    /// <summary>The tenant's mode in a database.</summary>
    public static Task<string?> ModeAsync(
        NpgsqlConnection connection,
        Tenancy tenancy,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteScalarAsync<string?>(
            $"SELECT {Sql.Identifier(tenancy.ModeColumn)}::text FROM {tenancy.Table.Quoted} t "
                + $"WHERE {scope.IsRoot("t", tenant.Id)}",
            cancellationToken
        );

    public static Task NotifyAsync(JournalTransaction transaction, Tenant tenant) =>
        transaction.ExecuteAsync("SELECT pg_notify(@Channel, @Slug)", new { Channel, Slug = tenant.Slug.Text });

    static Task<int> UpdateAsync(
        JournalTransaction transaction,
        Tenancy tenancy,
        TenantScope scope,
        Tenant tenant,
        string mode,
        JsonObject? isolation
    )
    {
        var modeColumn = scope.Root.Table.Column(tenancy.ModeColumn)!;
        var settingsColumn = scope.Root.Table.Column(tenancy.SettingsColumn)!;
        var settings = Sql.Identifier(settingsColumn.Name);
        var merged = isolation is null
            ? $"{settings}::jsonb - 'isolation'"
            : $"coalesce({settings}::jsonb, '{{}}') || jsonb_build_object('isolation', CAST(@isolation AS jsonb))";
        return transaction.ExecuteAsync(
            $"""
            UPDATE {tenancy.Table.Quoted} AS t
            SET {Sql.Identifier(
                modeColumn.Name
            )} = CAST(@mode AS {modeColumn.TypeText}), {settings} = CAST({merged} AS {settingsColumn.TypeText})
            WHERE {scope.Condition(scope.Root, "t", tenant.Id)}
            """,
            new
            {
                mode,
                isolation = isolation is null ? null : JsonSerializer.Serialize(isolation, RoutingDocument.Json),
            }
        );
    }
}
