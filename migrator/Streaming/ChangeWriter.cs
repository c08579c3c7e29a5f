using Migrator.Connections;
using Npgsql;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>The session that writes to the target, and its one transaction.</summary>
/// <param name="touched">Keys that the target keeps with the rows, if it is to keep some.</param>
sealed class ChangeWriter(StreamDirection direction, DirtyKeys? touched = null) : IAsyncDisposable
{
    // A plan is made once, when there are no statistics yet and perhaps no rows: by key, whatever comes.
    const string PlanOptions = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";

    readonly NpgsqlConnection target = new(
        new NpgsqlConnectionStringBuilder(direction.TargetServer.ConnectionString)
        {
            Pooling = false,
            MaxAutoPrepare = 500,
            AutoPrepareMinUsages = 2,
            Options = direction.TargetServer.Options + PlanOptions,
        }.ConnectionString
    );

    NpgsqlTransaction? transaction;

    public NpgsqlConnection Connection => target;

    /// <summary>A transaction is under way.</summary>
    public bool IsOpen => transaction is not null;

    public Task OpenAsync(CancellationToken cancellationToken) => target.OpenAsync(cancellationToken);

    /// <summary>Begins a transaction, in which constraints that may wait wait for the commit.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        transaction = await target.BeginTransactionAsync(cancellationToken);
        await direction.RequireCurrentRunAsync(target, cancellationToken);
        await ExecuteAsync("SET CONSTRAINTS ALL DEFERRED", cancellationToken);
    }

    public Task ExecuteAsync(string sql, CancellationToken cancellationToken) =>
        target.ExecuteAsync(sql, cancellationToken);

    /// <summary>Commits the rows together with the position that they bring the target to.</summary>
    public async Task CommitAsync(NpgsqlLogSequenceNumber position, CancellationToken cancellationToken)
    {
        await StreamPosition.SaveAsync(target, direction.Promotion, position, cancellationToken);
        var saved = touched is KeptKeys kept ? await kept.SaveAsync(target, position, cancellationToken) : null;
        await transaction!.CommitAsync(cancellationToken);
        saved?.Invoke();
        await AbandonAsync();
    }

    /// <summary>Ends the transaction; what is not committed is rolled back.</summary>
    public async Task AbandonAsync()
    {
        if (transaction is not null)
            await transaction.DisposeAsync();
        transaction = null;
    }

    public async ValueTask DisposeAsync()
    {
        await AbandonAsync();
        await target.DisposeAsync();
    }
}
