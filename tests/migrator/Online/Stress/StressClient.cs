using System.Collections.Concurrent;
using System.Data;
using Dapper;
using Migrator.Demo;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online.Stress;

/// <summary>
/// One of the writers. Its rows are its own, so that it knows what each of them has to be; only one row is everybody's.
/// </summary>
sealed class StressClient
{
    readonly TenantMove move;
    readonly int[] tenants;
    readonly bool travelling;
    readonly Random random;
    readonly WriterSession session;
    readonly WriterTurmoil turmoil;
    bool inIsolated;

    /// <param name="travelling">It moves rows between its tenants, if it has two.</param>
    public StressClient(TenantMove move, int number, int[] tenants, bool travelling, int seed)
    {
        (this.move, this.tenants, this.travelling) = (move, tenants, travelling);
        session = new(number, tenants, seed);
        random = session.Random;
        turmoil = new(session, tenants);
    }

    public ExpectedState ExpectedState { get; private set; } = new();

    public ConcurrentQueue<string> Faults { get; } = [];

    public int Acknowledged { get; private set; }

    public int InIsolated { get; private set; }

    public int TurnedAway { get; private set; }

    int Moved { get; set; }

    int Repeated { get; set; }

    public override string ToString() =>
        $"writer {session.Number} of {string.Join(" and ", tenants)}: {Acknowledged} transactions "
        + $"({InIsolated} in the isolated database, {Moved} moves), {TurnedAway} turned away, {Repeated} repeated";

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            inIsolated = await LookUpAsync();
            while (!stop.IsCancellationRequested)
            {
                await TransactAsync(
                    tenants[random.Next(tenants.Length)],
                    moving: travelling && tenants.Length > 1 && !inIsolated && random.Next(3) == 0
                );
                await Task.Delay(random.Next(40), CancellationToken.None);
            }
        }
        catch (Exception e)
        {
            Faults.Enqueue($"writer {session.Number}: {e}");
        }
    }

    async Task TransactAsync(int tenant, bool moving)
    {
        session.Mine = ExpectedState.Copy();
        var isolated = inIsolated && tenant == TenantMove.Acme;
        try
        {
            if (!await CommitAsync(tenant, moving, isolated))
                return;
            ExpectedState = session.Mine;
            Acknowledged++;
            if (isolated)
                InIsolated++;
            if (moving)
                Moved++;
        }
        catch (PostgresException e)
            when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction && (moving || tenant == TenantMove.Acme))
        {
            TurnedAway++;
            inIsolated = await LookUpAsync();
            await Task.Delay(20);
        }
        catch (PostgresException e)
            when (e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected)
        {
            Repeated++;
        }
    }

    /// <summary>Some changes in one transaction; false if the writer has thought better of it.</summary>
    async Task<bool> CommitAsync(int tenant, bool moving, bool isolated)
    {
        // Row-level security would hide one of the two tenants.
        var role = moving || random.Next(3) == 0 ? null : SampleDatabase.Application;
        await using var connection = await (isolated ? move.Isolated : move.Shared).OpenAsync(role);
        session.Connection = connection;
        await using var transaction = await connection.BeginTransactionAsync(
            session.Pick(
                IsolationLevel.ReadCommitted,
                IsolationLevel.ReadCommitted,
                IsolationLevel.RepeatableRead,
                IsolationLevel.Serializable
            )
        );
        await connection.ExecuteAsync(
            "SELECT set_config('app.current_tenant_id', @tenant, true)",
            new { tenant = $"{tenant}" }
        );
        await turmoil.ChangeAsync(transaction, tenant, moving);
        if (random.Next(25) == 0)
            await Task.Delay(random.Next(200, 1_200), CancellationToken.None);
        var given = random.Next(12) > 0;
        await (given ? transaction.CommitAsync() : transaction.RollbackAsync());
        return given;
    }

    async Task<bool> LookUpAsync() =>
        await move.Shared.ScalarAsync<string>(
            "SELECT isolation_mode FROM tenants WHERE id = 1",
            role: SampleDatabase.Application
        ) == "isolated";
}
