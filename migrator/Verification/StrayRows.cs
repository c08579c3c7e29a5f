using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>
/// Rows of the isolated database that are not the tenant's by the shared database's rule, such as those without a
/// tenant. The shared database could not tell them from other tenants' rows, so they must be found before a rollback
/// writes anything.
/// </summary>
public static class StrayRows
{
    const int Samples = 5;

    /// <exception cref="MigratorException">There are such rows; each table is named.</exception>
    public static async Task RequireNoneAsync(
        NpgsqlConnection isolated,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        var found = new List<string>();
        foreach (var table in scope.TenantTables)
        {
            var strays = $"FROM {table.Table.From} t WHERE ({scope.Copied(table, "t", tenant.Id)}) IS NOT TRUE";
            if (
                await isolated.ExecuteScalarAsync<long>($"SELECT count(*) {strays}", cancellationToken)
                is > 0
                    and var rows
            )
                found.Add(RollbackMessages.Strays(table.Name, rows, await SampleAsync(isolated, table, strays)));
        }
        if (found.Count > 0)
            throw RollbackMessages.StrayRows(tenant, found);

        async Task<IReadOnlyList<string>> SampleAsync(NpgsqlConnection connection, ScopedTable table, string strays) =>
            table.Table.Key.Count == 0
                ? []
                : await connection.QueryAsync<string>(
                    $"SELECT {KeyedRows.Label(table)} {strays} ORDER BY 1 LIMIT {Samples}",
                    cancellationToken
                );
    }
}
