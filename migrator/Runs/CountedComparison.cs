using Migrator.Model;
using Migrator.Scope;
using Migrator.Verification;

namespace Migrator.Runs;

/// <summary>A comparison that says how far it is.</summary>
static class CountedComparison
{
    /// <summary>Digests of tables; told are the rows of each, of as many as were loaded.</summary>
    public static async Task<IReadOnlyList<TableComparison>> DigestsAsync(
        this PromotionRun run,
        Comparison comparison,
        IEnumerable<ScopedTable> tables,
        CancellationToken cancellationToken
    )
    {
        var all = tables.ToArray();
        foreach (var (table, rows) in await run.RowsToCompareAsync(all, cancellationToken))
            run.Progress.Reached($"{table}", ProgressUnit.Rows, 0, rows);
        return await comparison.DigestsAsync(
            all,
            run.Options.Jobs,
            cancellationToken,
            result =>
                run.Progress.Reached(
                    $"{result.Table.Name}",
                    ProgressUnit.Rows,
                    result.Isolated.Rows,
                    result.Isolated.Rows
                ),
            run.Governor.WaitAsync
        );
    }

    /// <summary>As many rows of tables as were loaded.</summary>
    public static async Task<IReadOnlyDictionary<TableName, long>> RowsToCompareAsync(
        this PromotionRun run,
        IEnumerable<ScopedTable> tables,
        CancellationToken cancellationToken
    )
    {
        var loaded = (await run.Isolated.LoadedAsync(cancellationToken)).ToLookup(
            part => part.Key.Table,
            part => part.Value.Rows
        );
        return tables.ToDictionary(
            table => table.Name,
            table => table.Table.Leaves.Sum(leaf => loaded[leaf.Name.ToString()].Sum())
        );
    }
}
