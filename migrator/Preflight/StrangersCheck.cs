using System.Text.RegularExpressions;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>Reference tables are copied whole: rows that are other tenants' are refused, or counted and said aloud.</summary>
sealed partial class StrangersCheck(PreflightContext context)
{
    readonly ReferenceNames names = new(context.Scope, context.Tenant.Key);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var told = new List<string>();
        foreach (var table in context.Scope.Tables.Where(table => table.Scope == TableScope.Reference))
        {
            if (await IsOwnedAsync(table, cancellationToken))
                continue;
            var rows = await CountAsync($"SELECT count(*) FROM {table.Table.From} t", cancellationToken);
            var unnamed = await CountAsync(names.Unnamed(table), cancellationToken);
            string[] columns =
            [
                .. table.Table.Columns.Select(column => column.Name).Where(name => LooksPrivate().IsMatch(name)),
            ];
            if (columns.Length > 0 && unnamed > 0)
                context.Warnings.Add(ReferenceMessages.ReferenceLooksPrivate(table.Name, rows, unnamed, columns));
            else if (
                unnamed > 0
                && await CountAsync(names.OfOthers(table, names.KeysInto(table)), cancellationToken)
                    is > 0
                        and var others
            )
                told.Add($"{table.Name} ({others:N0} of {rows:N0} rows)");
        }
        if (told.Count > 0)
            context.Warnings.Add(ReferenceMessages.ReferenceRowsOfOthers(told));
    }

    // A row that at most one row may name is a part of that row, and so of its tenant: no list that tenants share.
    async Task<bool> IsOwnedAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        foreach (var key in names.KeysInto(table))
        {
            if (
                !await IsUniqueAsync(key, cancellationToken)
                || await CountAsync(names.OfOthers(table, [key]), cancellationToken) is not (> 0 and var rows)
            )
                continue;
            context.Faults.Add(
                ReferenceMessages.ReferenceRowsAreOwned(table.Name, key.From, key.Name, key.FromColumns[0], rows)
            );
            return true;
        }
        return false;
    }

    async Task<long> CountAsync(string? query, CancellationToken cancellationToken) =>
        query is null ? 0 : await context.Shared.ExecuteScalarAsync<long>(query, cancellationToken);

    Task<bool> IsUniqueAsync(ForeignKey key, CancellationToken cancellationToken) =>
        context.Shared.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_index i
                           WHERE i.indrelid = CAST(@table AS regclass) AND i.indisunique AND i.indisvalid
                             AND i.indpred IS NULL AND i.indexprs IS NULL
                             AND (SELECT array_agg(a.attname::text) FROM pg_attribute a
                                  WHERE a.attrelid = i.indrelid
                                    AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) <@ @columns)
            """,
            new { table = key.From.Quoted, columns = key.FromColumns.ToArray() },
            cancellationToken
        );

    [GeneratedRegex(
        "password|passwd|secret|token|api_?key|private_?key|e?mail|phone|birth|iban|ssn",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex LooksPrivate();
}
