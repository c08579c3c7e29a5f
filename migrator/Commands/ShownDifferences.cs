using Migrator.Messages;
using Migrator.Verification;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>Rows that differ, as <c>verify --explain</c> shows them.</summary>
static class ShownDifferences
{
    public static void Write(IAnsiConsole console, IReadOnlyList<ExplainedTable> tables, bool values)
    {
        foreach (var table in tables)
        {
            foreach (var row in table.Rows)
            foreach (var line in Lines(row, values))
                console.WriteLine(line);
            if (table.Rows.Count == Explanation.RowsPerTable)
                console.WriteLine($"  … and perhaps more rows of {table.Table.Name}");
            if (table.Triggers.Count > 0)
                console.WriteLine($"  {table.Table.Name}: {ExplanationMessages.Triggers(table.Triggers)}");
        }
        if (tables.Count == 0)
            return;
        console.WriteLine("What cannot be known:");
        foreach (var sentence in ExplanationMessages.NotKnown(HaveTimes(tables)))
            console.WriteLine($"  • {sentence}");
    }

    /// <summary>A server has told when a transaction ended.</summary>
    public static bool HaveTimes(IReadOnlyList<ExplainedTable> tables) =>
        tables
            .SelectMany(table => table.Rows)
            .Any(row => (row.Shared?.CommittedAt ?? row.Isolated?.CommittedAt) is not null);

    static IEnumerable<string> Lines(ExplainedRow row, bool values)
    {
        yield return row.Columns.Count == 0
            ? $"{row.Difference}"
            : $"{row.Difference}: {string.Join(", ", row.Columns.Select(column => column.Name))}";
        if (values)
            foreach (var column in row.Columns)
                yield return $"    {ExplanationMessages.Value(column.Name, column.Shared, column.Isolated)}";
        if (row.Shared is { } shared)
            yield return $"    {ExplanationMessages.Written("shared", shared.Transaction, shared.CommittedAt, shared.IsSince)}";
        if (row.Isolated is { } isolated)
            yield return $"    {ExplanationMessages.Written("isolated", isolated.Transaction, isolated.CommittedAt, isolated.IsSince)}";
    }
}
