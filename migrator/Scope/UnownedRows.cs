using System.Text.RegularExpressions;
using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Scope;

/// <summary>What is copied of a table whose rows have no owner: a reference table, or one that tenants share.</summary>
/// <param name="Rows">The rows that go to the isolated database, or that are there.</param>
/// <param name="Unnamed">Those of them that no row of the tenant names by a foreign key or a rule.</param>
/// <param name="OfOthers">Those of them that rows of other tenants name, and no row of this one.</param>
/// <param name="PrivateColumns">Columns whose names look like secrets or personal data.</param>
public sealed partial record UnownedRows(
    ScopedTable Table,
    long Rows,
    long Unnamed,
    long OfOthers,
    IReadOnlyList<string> PrivateColumns
)
{
    /// <summary>Counts what would be copied out of the shared database.</summary>
    public static Task<IReadOnlyList<UnownedRows>> ToCopyAsync(
        NpgsqlConnection shared,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    ) => CountAsync(shared, shared, scope, tenant, table => scope.CopiedOfAll(table, tenant.Id), cancellationToken);

    /// <summary>Counts what is in the isolated database. Whom others name only the shared database can tell.</summary>
    public static Task<IReadOnlyList<UnownedRows>> CopiedAsync(
        NpgsqlConnection isolated,
        NpgsqlConnection shared,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    ) => CountAsync(isolated, shared, scope, tenant, _ => "true", cancellationToken);

    static async Task<IReadOnlyList<UnownedRows>> CountAsync(
        NpgsqlConnection database,
        NpgsqlConnection shared,
        TenantScope scope,
        Tenant tenant,
        Func<ScopedTable, string> which,
        CancellationToken cancellationToken
    )
    {
        var names = new ReferenceNames(scope, tenant.Id);
        var all = new List<UnownedRows>();
        foreach (var table in scope.Tables.Where(one => one.Scope is TableScope.Reference or TableScope.Shared))
        {
            var isShared = table.Scope == TableScope.Shared;
            var rows = await CountAsync(database, table, which(table), cancellationToken);
            var unnamed = isShared
                ? rows - await CountAsync(database, table, scope.ConditionOfAll(table, tenant.Id), cancellationToken)
                : await names.CountUnnamedAsync(database, table, cancellationToken);
            var ofOthers =
                isShared || unnamed == 0 ? 0 : await names.CountOfOthersAsync(shared, table, cancellationToken);
            all.Add(new(table, rows, unnamed, ofOthers, PrivateColumnsOf(table)));
        }
        return all;
    }

    static string[] PrivateColumnsOf(ScopedTable table) =>
        [.. table.Table.Columns.Select(column => column.Name).Where(name => LooksPrivate().IsMatch(name))];

    static Task<long> CountAsync(
        NpgsqlConnection connection,
        ScopedTable table,
        string condition,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteScalarAsync<long>(
            $"SELECT count(*) FROM {table.Table.From} t WHERE {condition}",
            cancellationToken
        );

    [GeneratedRegex(
        "password|passwd|secret|token|api_?key|private_?key|e?mail|phone|birth|iban|ssn",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex LooksPrivate();
}
