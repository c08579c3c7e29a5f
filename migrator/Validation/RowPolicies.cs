using System.Data;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Validation;

/// <summary>What the application's role sees of the tenant's rows, with the tenant named and without.</summary>
/// <param name="member">The migrator's role is a member of the application's already.</param>
/// <param name="isTree">The tenant has rows of several keys, and how a policy takes them is the application's matter.</param>
sealed class RowPolicies(NpgsqlConnection isolated, Tenant tenant, Tenancy tenancy, bool member, bool isTree)
{
    public async Task<IReadOnlyList<Check>> CheckAsync(
        string area,
        IReadOnlyList<ScopedTable> tables,
        CancellationToken cancellationToken
    )
    {
        var blind = new List<string>();
        var leaking = new List<string>();
        foreach (var table in tables)
        {
            var (isBlind, leaks) = await LookAsync(table, cancellationToken);
            if (isBlind)
                blind.Add(table.Name.ToString());
            if (leaks)
                leaking.Add(table.Name.ToString());
        }
        return
        [
            isTree
                ? new(
                    area,
                    $"rows visible with {tenancy.TenantSetting}",
                    CheckOutcome.Skipped,
                    "the tenant is a tree of several keys"
                )
                : Check.Of(
                    area,
                    $"rows visible with {tenancy.TenantSetting}",
                    blind.Count == 0,
                    blind.Count == 0
                        ? $"all rows of {tables.Count} tables"
                        : $"not all rows of {string.Join(", ", blind)}"
                ),
            Check.Of(
                area,
                $"no rows visible without {tenancy.TenantSetting}",
                leaking.Count == 0,
                leaking.Count == 0 ? $"{tables.Count} tables" : $"rows of {string.Join(", ", leaking)}"
            ),
        ];
    }

    async Task<(bool IsBlind, bool Leaks)> LookAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        // One snapshot for all counts, because the tenant is writing already.
        await using var transaction = await isolated.BeginTransactionAsync(
            IsolationLevel.RepeatableRead,
            cancellationToken
        );
        var all = await CountAsync(table, cancellationToken);
        await BecomeApplicationAsync(cancellationToken);
        var mayRead = await isolated.ExecuteScalarAsync<bool>(
            "SELECT has_table_privilege(CAST(@name AS regclass), 'SELECT')",
            new { name = table.Name.Quoted },
            cancellationToken
        );
        if (!mayRead)
            return (false, false);
        // First without the parameter: once set, the parameter stays defined, as '', for the session.
        var leaks = await CountOrNullAsync(table, cancellationToken) > 0;
        await isolated.ExecuteAsync(
            "SELECT set_config(@TenantSetting, @Key, true)",
            new { tenancy.TenantSetting, tenant.Key },
            cancellationToken
        );
        return (await CountAsync(table, cancellationToken) != all, leaks);
    }

    // The membership lasts for this transaction only, which is rolled back.
    async Task BecomeApplicationAsync(CancellationToken cancellationToken)
    {
        var role = Sql.Identifier(tenancy.ApplicationRole);
        if (!member)
            await isolated.ExecuteAsync($"GRANT {role} TO CURRENT_USER", cancellationToken);
        await isolated.ExecuteAsync($"SET LOCAL ROLE {role}", cancellationToken);
        await isolated.ExecuteAsync("SET LOCAL row_security = on", cancellationToken);
    }

    Task<long> CountAsync(ScopedTable table, CancellationToken cancellationToken) =>
        isolated.ExecuteScalarAsync<long>(
            $"SELECT count(*) FROM {table.Table.Name.Quoted} t WHERE {table.WithTenant("t")}",
            cancellationToken
        );

    // A policy may raise an error without the parameter; the role sees no rows then either.
    async Task<long> CountOrNullAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        await isolated.ExecuteAsync("SAVEPOINT unset", cancellationToken);
        try
        {
            return await CountAsync(table, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState[..2] is "22" or "42")
        {
            await isolated.ExecuteAsync("ROLLBACK TO SAVEPOINT unset", cancellationToken);
            return 0;
        }
    }
}
