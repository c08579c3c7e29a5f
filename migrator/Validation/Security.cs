using System.Net;
using Migrator.Connections;
using Migrator.Messages;
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
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        return
        [
            await ForeignRowsAsync(isolated, shared, scope, tenant, cancellationToken),
            await DefinersAsync(isolated, cancellationToken),
            await EncryptionAsync(isolated, IsLocal(databases.IsolatedServer.Host!), cancellationToken),
        ];
    }

    // Whose the rows of reference tables are, nobody can tell: rows that may be others' are neither passed over nor a failure.
    static async Task<Check> ForeignRowsAsync(
        NpgsqlConnection isolated,
        NpgsqlConnection shared,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        const string name = "no row of another tenant";
        var foreign = new List<string>();
        foreach (var table in scope.TenantTables)
        {
            var nullsAside = table.WithoutTenant("t") is { } unowned ? $"NOT ({unowned}) AND " : "";
            var rows = await isolated.ExecuteScalarAsync<long>(
                $"SELECT count(*) FROM {table.Table.From} t "
                    + $"WHERE {nullsAside}({scope.Copied(table, "t", tenant.Id)}) IS NOT TRUE",
                cancellationToken
            );
            if (rows > 0)
                foreign.Add($"{table.Name} ({rows:N0})");
        }
        if (foreign.Count > 0)
            return Check.Of(Area, name, false, string.Join(", ", foreign));
        var copied = await UnownedRows.CopiedAsync(isolated, shared, scope, tenant, cancellationToken);
        var aloud = copied
            .Where(one => one.Unnamed > 0)
            .Select(one =>
                ReferenceMessages.UnownedThere(one.Table.Name, one.Rows, one.Unnamed, one.OfOthers, one.PrivateColumns)
            );
        return new(
            Area,
            name,
            copied.Any(one => one.Unnamed > 0 && (one.OfOthers > 0 || one.PrivateColumns.Count > 0))
                ? CheckOutcome.Measured
                : CheckOutcome.Passed,
            string.Join("; ", aloud.Prepend($"{scope.TenantTables.Count() + copied.Count} tables"))
        );
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

    static bool IsLocal(string host) =>
        host.StartsWith('/')
        || host is "localhost"
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
