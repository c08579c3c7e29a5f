using System.Text.RegularExpressions;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>Reference tables are copied whole: rows that look like other tenants' secrets are said aloud.</summary>
sealed partial class StrangersCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var table in context.Scope.Tables.Where(table => table.Scope == TableScope.Reference))
        {
            string[] columns =
            [
                .. table.Table.Columns.Select(column => column.Name).Where(name => LooksPrivate().IsMatch(name)),
            ];
            if (columns.Length == 0)
                continue;
            var (rows, strangers) = await context.Shared.QuerySingleAsync<(long, long)>(
                $"SELECT count(*), count(*) FILTER (WHERE {NotNamed(table)}) FROM {table.Table.From} t",
                cancellationToken
            );
            if (strangers > 0)
                context.Warnings.Add(PreflightMessages.ReferenceLooksPrivate(table.Name, rows, strangers, columns));
        }
    }

    string NotNamed(ScopedTable table)
    {
        var named = context
            .Scope.ForeignKeys.Where(key => key.To == table.Name && context.Scope[key.From].IsTenantData)
            .Select(key => (key, from: context.Scope[key.From]))
            .Select(one =>
                $"EXISTS (SELECT FROM {one.from.Table.From} c "
                + $"WHERE {one.key.Join("c", "t")} AND {context.Condition(one.from, "c")})"
            )
            .ToArray();
        return named.Length == 0 ? "true" : $"NOT ({string.Join(" OR ", named)})";
    }

    [GeneratedRegex(
        "password|passwd|secret|token|api_?key|private_?key|e?mail|phone|birth|iban|ssn",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex LooksPrivate();
}
