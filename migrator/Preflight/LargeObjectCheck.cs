using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>
/// Rows that name large objects. The isolated database would have the numbers and not the objects, and a trigger of extension lo
/// deletes the objects with the rows that finalize deletes.
/// </summary>
sealed class LargeObjectCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var table in context.Scope.Tables.Where(table => table.IsCopied && !table.Table.IsForeign))
        foreach (var column in table.Table.Columns.Where(IsNumber))
        {
            var numbers = $"t.{Sql.Identifier(column.Name)}::{(column.TypeText == "oid[]" ? "oid[]" : "oid")}";
            var named = column.TypeText == "oid[]" ? $"ANY ({numbers})" : numbers;
            var rows = await context.Shared.ExecuteScalarAsync<long>(
                $"""
                SELECT count(*) FROM {table.Table.From} t
                WHERE {context.Copied(table, "t")}
                  AND EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid = {named})
                """,
                cancellationToken
            );
            if (rows > 0)
                context.Faults.Add(ObjectMessages.LargeObjects(table.Name, column.Name, rows));
            else
                context.Warnings.Add(ObjectMessages.MaybeLargeObjects(table.Name, column.Name));
        }
    }

    static bool IsNumber(Column column) =>
        column.TypeText is "oid" or "oid[]" or "lo" || column.TypeText.EndsWith(".lo", StringComparison.Ordinal);
}
