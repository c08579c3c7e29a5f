using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Copying;

/// <summary>Short transactions past the closed guard, in which no trigger of the application fires.</summary>
/// <param name="requireCurrentRun">Called in each transaction; fails when a newer run has taken over.</param>
sealed class ReconcilerTransactions(
    WriteGuard guard,
    Func<NpgsqlConnection, CancellationToken, Task> requireCurrentRun,
    TimeProvider clock
)
{
    /// <param name="lifts">Constraints that rows older than them need not satisfy are lifted meanwhile.</param>
    public Task<long> RunAsync(
        NpgsqlConnection shared,
        IReadOnlyList<ReconcilerStage> stages,
        bool lifts,
        IEnumerable<WrittenTable> written,
        Func<Task<long>> work,
        CancellationToken cancellationToken
    ) =>
        RunAsync(
            shared,
            [.. stages.Select(stage => stage.Table.Name)],
            stages.Where(stage => stage.SetsIdentities).Select(stage => stage.Table.Table),
            lifts,
            written,
            work,
            cancellationToken
        );

    /// <param name="identities">Tables of which an identity that is always generated is set.</param>
    /// <param name="lifts">Constraints that rows older than them need not satisfy are lifted meanwhile.</param>
    public Task<long> RunAsync(
        NpgsqlConnection shared,
        IReadOnlyList<TableName> tables,
        IEnumerable<TableDefinition> identities,
        bool lifts,
        IEnumerable<WrittenTable> written,
        Func<Task<long>> work,
        CancellationToken cancellationToken
    ) =>
        TableLock.RunAsync(
            shared,
            tables[0],
            async token =>
            {
                await requireCurrentRun(shared, token);
                await guard.PassAsync(shared, token);
                return await Suspension.WriteAsync(
                    shared,
                    () => LiftAsync(shared, tables, identities, lifts, token),
                    () => TriggerDisabling.WithoutTriggersAsync(shared, tables, written, work, token),
                    token
                );
            },
            clock,
            cancellationToken
        );

    static async Task<string?> LiftAsync(
        NpgsqlConnection shared,
        IReadOnlyList<TableName> tables,
        IEnumerable<TableDefinition> identities,
        bool lifts,
        CancellationToken cancellationToken
    )
    {
        var lifted = await ConstraintLifting.LiftIdentitiesAsync(shared, identities, cancellationToken);
        var constraints = lifts
            ? await ConstraintLifting.LiftAsync(shared, tables, domainsOnly: false, cancellationToken)
            : null;
        return lifted is null && constraints is null ? null : lifted + constraints;
    }
}
