using System.Net;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Validation;

/// <summary>
/// No row of another tenant, no function of ours with more rights than the tenant has, and an encrypted
/// connection.
/// </summary>
public static class Security
{
    const string Area = "security";

    public static async Task<IReadOnlyList<Check>> CheckAsync(
        Databases databases,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        return
        [
            await ForeignRowsAsync(isolated, scope, tenant, cancellationToken),
            await DefinersAsync(isolated, cancellationToken),
            await EncryptionAsync(isolated, IsLocal(databases.IsolatedServer.Host!), cancellationToken),
        ];
    }

    static async Task<Check> ForeignRowsAsync(
        NpgsqlConnection isolated,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        var foreign = new List<string>();
        foreach (var table in scope.TenantTables)
        {
            var nullsAside = table.WithoutTenant("t") is { } unowned ? $"NOT ({unowned}) AND " : "";
            var rows = await isolated.ExecuteScalarAsync<long>(
                $"SELECT count(*) FROM {table.Table.From} t "
                    + $"WHERE {nullsAside}({scope.Copied(table, "t", tenant.Key)}) IS NOT TRUE",
                cancellationToken
            );
            if (rows > 0)
                foreign.Add($"{table.Name} ({rows:N0})");
        }
        var detail =
            foreign.Count == 0
                ? $"{scope.TenantTables.Count()} tables{await CopiedWholeAsync(isolated, scope, tenant, cancellationToken)}"
                : string.Join(", ", foreign);
        return Check.Of(Area, "no row of another tenant", foreign.Count == 0, detail);
    }

    static async Task<Check> DefinersAsync(NpgsqlConnection isolated, CancellationToken cancellationToken)
    {
        var definers = await isolated.QueryAsync<string>(
            """
            SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
            WHERE p.prosecdef AND r.rolsuper AND p.pronamespace = to_regnamespace('tenant_promotion')
            """,
            cancellationToken
        );
        var detail = definers.Count == 0 ? "none" : string.Join(", ", definers);
        return Check.Of(Area, "no superuser function of ours", definers.Count == 0, detail);
    }

    static async Task<Check> EncryptionAsync(
        NpgsqlConnection isolated,
        bool isLocal,
        CancellationToken cancellationToken
    )
    {
        var (encrypted, version) = await isolated.QuerySingleAsync<(bool, string?)>(
            "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
            cancellationToken
        );
        if (!encrypted && isLocal)
            return new(Area, "TLS", CheckOutcome.Skipped, "loopback or socket");
        return Check.Of(
            Area,
            "TLS",
            encrypted,
            encrypted ? version! : "the connection is not encrypted; set TARGET_DB_SSLMODE=require"
        );
    }

    // Whose the rows of reference tables are, nobody can tell here: those that no row of the tenant names are counted.
    static async Task<string> CopiedWholeAsync(
        NpgsqlConnection isolated,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        var names = new ReferenceNames(scope, tenant.Key);
        var unnamed = new List<string>();
        foreach (var table in scope.Tables.Where(table => table.Scope == TableScope.Reference))
            if (await isolated.ExecuteScalarAsync<long>(names.Unnamed(table), cancellationToken) is > 0 and var rows)
                unnamed.Add($"{table.Name} ({rows:N0})");
        return unnamed.Count == 0
            ? ""
            : $"; not looked at: rows of reference tables that no row of the tenant names: {string.Join(", ", unnamed)}";
    }

    static bool IsLocal(string host) =>
        host.StartsWith('/')
        || host is "localhost"
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
