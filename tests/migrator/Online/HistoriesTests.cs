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

    /// <param name="Verb">What to do, by its place in <see cref="Statements"/>.</param>
    /// <param name="First">
    /// Which row, by its place in the order of keys; a small number more often than a large one.
    /// </param>
    /// <param name="Undone">Rolled back to the savepoint before it.</param>
    sealed record Step(int Verb, int First, int Second, int Value, bool Undone);

    sealed record Work(Step[] Steps, bool RolledBack);

    static readonly Gen<int> Places = Gen.Frequency((3, Gen.Int[0, 2]), (1, Gen.Int[0, 999]));

    static readonly Gen<Step> Steps = Gen.Select(
        Gen.Int[0, Statements("", default!).Count - 1],
        Places,
        Places,
        Gen.Int[0, 999],
        Gen.Int[0, 9],
        (verb, first, second, value, fate) => new Step(verb, first, second, value, fate == 0)
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
        await using var first = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        var tenants = Enumerable.Range(3, Moving + Staying - 2);
        foreach (var tenant in tenants)
            await first.Shared.ExecuteAsync(
                "INSERT INTO tenants (id, slug) VALUES (@tenant, @slug)",
                new { tenant, slug = $"{first.Slug}-{tenant}" }
            );
        await first.Shared.ExecuteAsync(Rows);
        TenantMove[] moves =
        [
            first,
            .. tenants
                .Take(Moving - 1)
                .Select(tenant => new TenantMove(first.Shared, $"{first.Slug}-{tenant}", servers.Dedicated)),
        ];
        int[] keys = [1, .. tenants.Take(Moving - 1)];
        try
        {
            await WriteAsync(first.Shared, there[0], "");
            var halts = Stages.ToDictionary(stage => stage, _ => new Halt(Moving));
            var promotions = Task.WhenAll(moves.Select(move => Task.Run(() => PromoteAsync(move, halts))));
            foreach (var (stage, n) in Stages.Select((stage, n) => (stage, n)))
            {
                if (await Task.WhenAny(halts[stage].Reached, promotions) == promotions)
                    break;
                await WriteAsync(first.Shared, there[n + 1], "");
                halts[stage].Release();
            }
            foreach (var halt in halts.Values)
                halt.Release();
            await promotions;
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
                    await connection.ExecuteAsync(Statements(tenant, step)[step.Verb]);
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

    /// <param name="apart">
    /// The tenant whose own database this is: its new keys are none that another tenant has. Empty for the shared one.
    /// </param>
    static IReadOnlyList<string> Statements(string apart, Step step)
    {
        if (step is null)
            step = new(0, 0, 0, 0, false);
        var (first, second, value) = (step.First, step.Second, step.Value);
        string Row(string table, int place, string columns = "id") =>
            $"(SELECT {columns} FROM {table} ORDER BY {columns} "
            + $"OFFSET {place} % greatest((SELECT count(*) FROM {table}), 1) LIMIT 1)";
        string Tenant(int place) => Row("tenants", place);
        var id = apart.Length == 0 ? $"{value % 60}" : $"{apart}000000 + {value % 30}";
        var slug = apart.Length == 0 ? $"'p{value % 20}'" : $"'{apart}-{value % 5}'";
        var text = $"'text {value}'";
        var large = value % 5 == 0 ? "NULL" : $"repeat(md5('{value}'), 100)";
        var (project, task, comment, badge) = (
            Row("projects", first),
            Row("tasks", first),
            Row("comments", first),
            Row("badges", first)
        );
        // Projects travel with all that belongs to them.
        var travel = $"""
            UPDATE tasks SET tenant_id = {Tenant(second)} WHERE project_id = {project};
            UPDATE projects SET tenant_id = {Tenant(second)} WHERE id = {project}
            """;
        return
        [
            $"INSERT INTO projects VALUES ({id}, {Tenant(first)}, {slug}, {text}, {large})",
            $"""
                INSERT INTO tasks SELECT {id}, tenant_id, id, (SELECT min(t.id) FROM tasks t
                    WHERE t.project_id = p.id), {text}, {large} FROM projects p WHERE id = {project}
                """,
            $"""
                INSERT INTO tasks SELECT {id} + n, tenant_id, id, NULL, {text} || n, NULL
                    FROM projects p, generate_series(1, 4) n WHERE id = {project}
                """,
            $"INSERT INTO comments VALUES ({id}, {task}, {text}, {large})",
            $"INSERT INTO reactions VALUES (gen_random_uuid(), {comment}, {text})",
            $"INSERT INTO badges VALUES ({id}, {Tenant(first)}, {text}, {large})",
            $"INSERT INTO events VALUES ({id}, {Tenant(first)}, date '2024-01-01' + {value}, {text})",
            $"INSERT INTO notes SELECT {Tenant(first)}, {text} FROM generate_series(1, 2)",
            $"UPDATE projects SET name = {text} WHERE id = {project}",
            $"UPDATE projects SET document = {large} WHERE id = {project}",
            $"UPDATE tasks SET title = {text} || id % 10 WHERE project_id = {project}",
            $"UPDATE tasks SET body = {large} WHERE id = {task}",
            $"UPDATE comments SET body = {text} WHERE id = {comment}",
            $"UPDATE comments SET picture = {large} WHERE id = {comment}",
            $"UPDATE comments SET task_id = {Row("tasks", second)} WHERE id = {comment}",
            $"UPDATE reactions SET kind = {text} WHERE comment_id = {comment}",
            $"UPDATE reactions SET comment_id = {Row("comments", second)} WHERE comment_id = {comment}",
            $"UPDATE badges SET label = {text} WHERE id = {badge}",
            $"UPDATE badges SET picture = {large} WHERE id = {badge}",
            $"UPDATE events SET at = date '2024-01-01' + {value}, body = {text} WHERE id = {Row("events", first)}",
            $"UPDATE notes SET body = {text} WHERE tenant_id = {Tenant(first)}",
            $"UPDATE projects SET id = {id} WHERE id = {project}",
            $"UPDATE tasks SET id = {id} WHERE id = {task}",
            $"UPDATE comments SET id = {id} WHERE id = {comment}",
            $"UPDATE badges SET id = {id}, label = {text} WHERE id = {badge}",
            $"UPDATE projects SET slug = {slug} WHERE id = {project}",
            $"""
                SELECT set_config('swap.one', {Row("projects", first, "slug")}, true), set_config('swap.other', {Row(
                    "projects",
                    second,
                    "slug"
                )}, true);
                UPDATE projects SET slug = '~' WHERE slug = current_setting('swap.one');
                UPDATE projects SET slug = current_setting('swap.one') WHERE slug = current_setting('swap.other');
                UPDATE projects SET slug = current_setting('swap.other') WHERE slug = '~'
                """,
            travel,
            travel,
            travel,
            $"{travel}; UPDATE projects SET name = {text} WHERE id = {project}",
            $"{travel}; UPDATE projects SET document = {large} WHERE id = {project}",
            $"UPDATE badges SET tenant_id = {Tenant(second)} WHERE id = {badge}",
            $"UPDATE badges SET tenant_id = {Tenant(second)}, id = {id} WHERE id = {badge}",
            $"UPDATE events SET tenant_id = {Tenant(second)} WHERE id = {Row("events", first)}",
            $"UPDATE notes SET tenant_id = {Tenant(second)} WHERE tenant_id = {Tenant(first)}",
            $"DELETE FROM tasks WHERE project_id = {project}; DELETE FROM projects WHERE id = {project}",
            $"UPDATE tasks SET parent_id = NULL WHERE parent_id = {task}; DELETE FROM tasks WHERE id = {task}",
            $"DELETE FROM comments WHERE id = {comment}",
            $"DELETE FROM comments WHERE task_id = {task}",
            $"DELETE FROM badges WHERE id = {badge}",
            $"DELETE FROM events WHERE id = {Row("events", first)}",
            $"DELETE FROM notes WHERE tenant_id = {Tenant(first)}",
        ];
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

    const string Schema = """
        CREATE TABLE projects (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, slug text NOT NULL UNIQUE, name text,
            document text);
        ALTER TABLE projects ALTER document SET STORAGE EXTERNAL;
        CREATE TABLE tasks (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            project_id int NOT NULL REFERENCES projects ON UPDATE CASCADE,
            parent_id int REFERENCES tasks ON UPDATE CASCADE, title text, body text);
        ALTER TABLE tasks ALTER body SET STORAGE EXTERNAL;
        CREATE TABLE comments (
            id int PRIMARY KEY, task_id int NOT NULL REFERENCES tasks ON UPDATE CASCADE ON DELETE CASCADE, body text,
            picture text);
        ALTER TABLE comments ALTER picture SET STORAGE EXTERNAL;
        CREATE TABLE reactions (
            id uuid PRIMARY KEY, comment_id int NOT NULL REFERENCES comments ON UPDATE CASCADE ON DELETE CASCADE,
            kind text);
        CREATE TABLE badges (id int PRIMARY KEY, tenant_id bigint NOT NULL, label text, picture text);
        ALTER TABLE badges ALTER picture SET STORAGE EXTERNAL;
        ALTER TABLE badges REPLICA IDENTITY FULL;
        CREATE TABLE events (
            id int NOT NULL, tenant_id bigint NOT NULL, at date NOT NULL, body text, PRIMARY KEY (id, at)
        ) PARTITION BY RANGE (at);
        CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE events_later PARTITION OF events DEFAULT;
        CREATE TABLE notes (tenant_id bigint NOT NULL, body text);
        """;

    const string Rows = """
        INSERT INTO projects SELECT t.id * 10 + n, t.id, 'p' || t.id || '-' || n, 'Project', repeat(md5(n::text), 100)
            FROM tenants t, generate_series(1, 2) n;
        INSERT INTO tasks SELECT p.id * 10 + n, p.tenant_id, p.id, NULL, 'Task ' || n,
            CASE n WHEN 1 THEN repeat(md5(p.id::text), 100) END FROM projects p, generate_series(1, 3) n;
        INSERT INTO comments SELECT t.id * 10 + n, t.id, 'Comment', CASE n WHEN 1 THEN repeat(md5(t.id::text), 100) END
            FROM tasks t, generate_series(1, 2) n;
        INSERT INTO reactions SELECT md5(id::text)::uuid, id, 'like' FROM comments;
        INSERT INTO badges SELECT t.id * 10 + n, t.id, 'Badge', repeat(md5(n::text), 100)
            FROM tenants t, generate_series(1, 2) n;
        INSERT INTO events SELECT t.id * 10 + n, t.id, date '2024-01-01' + n * 200, 'Event'
            FROM tenants t, generate_series(1, 3) n;
        INSERT INTO notes SELECT t.id, 'Note' FROM tenants t, generate_series(1, 2) n;
        """;
}
