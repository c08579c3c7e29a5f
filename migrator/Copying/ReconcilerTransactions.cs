using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Model;
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
        Func<Task<long>> work,
        CancellationToken cancellationToken
    )
    {
        TableName[] tables = [.. stages.Select(stage => stage.Table.Name)];
        return TableLock.RunAsync(
            shared,
            tables[0],
            async token =>
            {
                await requireCurrentRun(shared, token);
                await guard.PassAsync(shared, token);
                return await Suspension.WriteAsync(
                    shared,
                    () => LiftAsync(shared, stages, lifts, token),
                    () => TriggerDisabling.WithoutTriggersAsync(shared, tables, work, token),
                    token
                );
            },
            clock,
            cancellationToken
        );
    }

    static async Task<string?> LiftAsync(
        NpgsqlConnection shared,
        IReadOnlyList<ReconcilerStage> stages,
        bool lifts,
        CancellationToken cancellationToken
    )
    {
        var identities = await ConstraintLifting.LiftIdentitiesAsync(
            shared,
            stages.Where(stage => stage.SetsIdentities).Select(stage => stage.Table.Table),
            cancellationToken
        );
        var constraints = lifts
            ? await ConstraintLifting.LiftAsync(
                shared,
                stages.Select(stage => stage.Table.Name),
                domainsOnly: false,
                cancellationToken
            )
            : null;
        return identities is null && constraints is null ? null : identities + constraints;
    }
}
