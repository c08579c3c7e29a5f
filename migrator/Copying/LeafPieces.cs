using Migrator.Connections;
using Migrator.Journal;
using Npgsql;

namespace Migrator.Copying;

/// <summary>
/// The transactions that load a leaf table, or a part of it. The last one records the part, so an interrupted copy is
/// no copy.
/// </summary>
/// <param name="first">Called in the first transaction, before its COPY.</param>
/// <param name="last">Called in the last one, with the part's rows.</param>
sealed class LeafPieces(
    NpgsqlConnection target,
    IsolatedJournal journal,
    LeafPlan plan,
    Func<Task>? first,
    Func<long, Task> last
) : IPieces, IAsyncDisposable
{
    NpgsqlTransaction? writing;
    long before;
    long rows;
    bool began;

    public async Task<NpgsqlRawCopyStream> BeginAsync(CancellationToken cancellationToken)
    {
        writing = await target.BeginTransactionAsync(cancellationToken);
        await journal.RequireCurrentRunAsync(target, cancellationToken);
        // Rows are written frozen in the transaction that truncates, so that later readers need not set hint bits.
        var freeze = first is not null && !began;
        if (freeze)
            await first!();
        began = true;
        before = await InsertedAsync(cancellationToken);
        return await RawCopy.WriteAsync(
            target,
            RawCopy.In(plan.Table.Table, plan.Leaf.Name.Quoted, freeze),
            RawCopy.IsBinary(plan.Table.Table),
            cancellationToken
        );
    }

    public async Task EndAsync(NpgsqlRawCopyStream output, bool isLast, CancellationToken cancellationToken)
    {
        await output.DisposeAsync();
        rows += await InsertedAsync(cancellationToken) - before;
        if (isLast)
            await last(rows);
        await writing!.CommitAsync(cancellationToken);
        await writing.DisposeAsync();
        writing = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (writing is not null)
            await writing.DisposeAsync();
    }

    // Npgsql's raw stream does not show the command tag with the server's count of rows; the transaction's statistics
    // have the count.
    Task<long> InsertedAsync(CancellationToken cancellationToken) =>
        target.ExecuteScalarAsync<long>(
            "SELECT coalesce(pg_stat_get_xact_tuples_inserted(CAST(@name AS regclass)), 0)",
            new { name = plan.Leaf.Name.Quoted },
            cancellationToken
        );
}
