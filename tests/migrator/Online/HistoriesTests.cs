using CsCheck;
using Dapper;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>
/// Whatever is written, and whenever: random transactions over a few rows, at every stage of the move of five tenants
/// at once, between which rows travel. Then each tenant's own database is, row by row, what the shared one holds of it;
/// and the same on the way back.
/// </summary>
public sealed class HistoriesTests(Servers servers)
{
    const int Moving = 5;
    const int Staying = 2;

    // Besides acme and bolt.
    static IEnumerable<int> Tenants => Enumerable.Range(3, Moving + Staying - 2);

    sealed record Work(HistoryStep[] Steps, bool RolledBack);

    static readonly Gen<int> Places = Gen.Frequency((3, Gen.Int[0, 2]), (1, Gen.Int[0, 999]));

    static readonly Gen<HistoryStep> Steps = Gen.Select(
        Gen.Int[0, HistoryStatements.Count - 1],
        Places,
        Places,
        Gen.Int[0, 999],
        Gen.Int[0, 9],
        (verb, first, second, value, fate) => new HistoryStep(verb, first, second, value, fate == 0)
    );

    static readonly Gen<Work> Works = Gen.Select(
        Steps.Array[1, 5],
        Gen.Int[0, 11],
        (steps, fate) => new Work(steps, fate == 0)
    );

    // What happens before, at each stage on the way there, and in each of the isolated databases.
    static readonly Gen<(Work[][] There, Work[][] Apart)> Histories = Gen.Select(
        Works.Array[10, 25].Array[Stages.Length + 1],
        Works.Array[5, 25].Array[Moving]
    );

    static string[] Stages => [PhaseName.CopyData, PhaseName.CatchUp, PhaseName.Verify, PhaseName.CutOver];

    public static TheoryData<int> Batches => Soak.Rounds(2, 20);

    [Theory]
    [MemberData(nameof(Batches))]
    public async Task Whatever_is_written_at_whatever_stage_arrives_and_comes_home(int batches) =>
        await Histories.SampleAsync(
            async history => await GoAndComeBackAsync(history.There, history.Apart),
            iter: batches,
            threads: 1,
            seed: Environment.GetEnvironmentVariable("TEST_HISTORY"),
            print: _ => "set TEST_HISTORY to the seed"
        );

    async Task GoAndComeBackAsync(Work[][] there, Work[][] apart)
    {
        await using var first = await CreateAsync();
        var moves = Others(first).Prepend(first).ToArray();
        int[] keys = [TenantMove.Acme, .. Tenants.Take(Moving - 1)];
        try
        {
            await WriteAsync(first.Shared, there[0], "");
            await PromoteAllAsync(moves, there[1..]);
            await MustBeEqualAsync(moves, keys);

            await Task.WhenAll(moves.Select((move, n) => WriteAsync(move.Isolated, apart[n], $"{keys[n]}")));
            await Task.WhenAll(moves.Select(move => Task.Run(() => move.RollBackAsync())));
            await MustBeEqualAsync(moves, keys);
            Assert.Empty(await TenantMove.TracesAsync(first.Shared));
        }
        finally
        {
            foreach (var move in moves.Skip(1))
                await move.DisposeAsync();
        }
    }

    /// <summary>A shared database with some rows of each tenant.</summary>
    async Task<TenantMove> CreateAsync()
    {
        var first = await TenantMove.CreateAsync(servers, EmbeddedSql.Read("histories.sql"), servers.Dedicated);
        foreach (var tenant in Tenants)
            await first.Shared.ExecuteAsync(
                "INSERT INTO tenants (id, slug) VALUES (@tenant, @slug)",
                new { tenant, slug = $"{first.Slug}-{tenant}" }
            );
        await first.Shared.ExecuteAsync(EmbeddedSql.Read("histories-rows.sql"));
        return first;
    }

    /// <summary>The other tenants that move.</summary>
    IEnumerable<TenantMove> Others(TenantMove first) =>
        Tenants
            .Take(Moving - 1)
            .Select(tenant => new TenantMove(first.Shared, $"{first.Slug}-{tenant}", servers.Dedicated));

    // All reach a stage, then somebody writes, then all go on.
    static async Task PromoteAllAsync(TenantMove[] moves, Work[][] works)
    {
        var halts = Stages.ToDictionary(stage => stage, _ => new Halt(Moving));
        var promotions = Task.WhenAll(moves.Select(move => Task.Run(() => PromoteAsync(move, halts))));
        foreach (var (stage, work) in Stages.Zip(works))
        {
            if (await Task.WhenAny(halts[stage].Reached, promotions) == promotions)
                break;
            await WriteAsync(moves[0].Shared, work, "");
            halts[stage].Release();
        }
        foreach (var halt in halts.Values)
            halt.Release();
        await promotions;
    }

    static async Task PromoteAsync(TenantMove move, Dictionary<string, Halt> halts)
    {
        try
        {
            await move.PromoteAsync(move.Options(), phase => halts.GetValueOrDefault(phase)?.Arrive());
        }
        catch
        {
            // Nobody waits for it any more.
            foreach (var halt in halts.Values)
                halt.Release();
            throw;
        }
    }

    /// <summary>A stage that all must have reached before anybody goes on; each once.</summary>
    sealed class Halt(int count)
    {
        readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        readonly TaskCompletionSource released = new();
        int arrived;

        public Task Reached => reached.Task;

        public void Arrive()
        {
            if (Interlocked.Increment(ref arrived) == count)
                reached.SetResult();
            released.Task.Wait(Waiting.Limit);
        }

        public void Release() => released.TrySetResult();
    }

    static async Task MustBeEqualAsync(TenantMove[] moves, int[] keys)
    {
        foreach (var (move, key) in moves.Zip(keys))
        {
            var shared = await move.Shared.QueryAsync<string>(
                $"SELECT line FROM ({Lines}) l WHERE tenant = {key} ORDER BY line COLLATE \"C\""
            );
            var isolated = await move.Isolated.QueryAsync<string>(
                $"SELECT line FROM ({Lines}) l ORDER BY line COLLATE \"C\""
            );
            string[] differences =
            [
                .. shared.Except(isolated).Take(5).Select(line => "shared   " + Short(line)),
                .. isolated.Except(shared).Take(5).Select(line => "isolated " + Short(line)),
            ];
            Assert.True(shared.SequenceEqual(isolated), $"Tenant {key} differs:\n{string.Join('\n', differences)}");
        }
    }

    static string Short(string line) => line.Length <= 200 ? line : $"{line[..100]}…{line[^60..]}";

    // What a statement may not do it leaves undone, as an application would that knows the constraints.
    static async Task WriteAsync(TestDatabase database, Work[] works, string tenant)
    {
        await using var connection = await database.OpenAsync();
        foreach (var work in works)
        {
            await using var transaction = await connection.BeginTransactionAsync();
            foreach (var step in work.Steps)
            {
                await transaction.SaveAsync("here");
                try
                {
                    await connection.ExecuteAsync(new HistoryStatements(tenant, step).All[step.Verb]);
                    if (step.Undone)
                        await transaction.RollbackAsync("here");
                }
                catch (PostgresException e) when (e.SqlState.StartsWith("23", StringComparison.Ordinal))
                {
                    await transaction.RollbackAsync("here");
                }
            }
            if (work.RolledBack)
                await transaction.RollbackAsync();
            else
                await transaction.CommitAsync();
        }
    }

    const string Lines = """
        SELECT tenant_id AS tenant, 'projects ' || t::text AS line FROM projects t
        UNION ALL SELECT tenant_id, 'tasks ' || t::text FROM tasks t
        UNION ALL SELECT k.tenant_id, 'comments ' || t::text FROM comments t LEFT JOIN tasks k ON k.id = t.task_id
        UNION ALL SELECT k.tenant_id, 'reactions ' || t::text
            FROM reactions t LEFT JOIN comments c ON c.id = t.comment_id LEFT JOIN tasks k ON k.id = c.task_id
        UNION ALL SELECT tenant_id, 'badges ' || t::text FROM badges t
        UNION ALL SELECT tenant_id, 'events ' || tableoid::regclass || t::text FROM events t
        UNION ALL SELECT tenant_id, 'notes ' || t::text FROM notes t
        """;
}
