using System.Collections.Concurrent;
using System.Data;
using Dapper;
using Migrator.Demo;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>
/// One of the writers. Its rows are its own, so that it knows what each of them has to be; only one row is everybody's.
/// </summary>
sealed class StressClient
{
    const int Enough = 25;

    /// <summary>For each table: key, tenant, parent, extra, and the whole row.</summary>
    static readonly Dictionary<string, string> Returned = new()
    {
        ["projects"] = "t.id::text, t.tenant_id::int, NULL::text, t.slug, t::text",
        ["tasks"] = "t.id::text, t.tenant_id::int, t.project_id::text, t.parent_id::text, t::text",
        ["comments"] = "t.id::text, NULL::int, t.task_id::text, NULL::text, t::text",
        ["reactions"] = "t.id::text, NULL::int, t.comment_id::text, NULL::text, t::text",
        ["counters"] = "t.n::text, t.tenant_id::int, NULL::text, NULL::text, t::text",
        ["events"] = "t.id::text, t.tenant_id::int, NULL::text, t.at::text, t::text",
        ["badges"] = "t.id::text, t.tenant_id::int, NULL::text, NULL::text, t::text",
        ["notes"] = "t.token, t.tenant_id::int, NULL::text, t.token, t::text",
    };

    static readonly string[] WithHistory = ["projects", "tasks", "counters"];

    readonly TenantMove move;
    readonly int number;
    readonly int[] tenants;
    readonly bool travelling;
    readonly Random random;

    // A key that was deleted is inserted again.
    readonly Guid[] keys;
    bool inIsolated;
    int written;

    // Of the transaction under way.
    NpgsqlConnection connection = null!;
    ExpectedState mine = new();

    /// <param name="travelling">It moves rows between its tenants, if it has two.</param>
    public StressClient(TenantMove move, int number, int[] tenants, bool travelling, int seed)
    {
        (this.move, this.number, this.tenants, random) = (move, number, tenants, new(seed));
        this.travelling = travelling;
        keys = [.. Enumerable.Range(0, 12).Select(_ => NewKey())];
    }

    public ExpectedState ExpectedState { get; private set; } = new();

    public ConcurrentQueue<string> Faults { get; } = [];

    public int Acknowledged { get; private set; }

    public int InIsolated { get; private set; }

    public int TurnedAway { get; private set; }

    int Moved { get; set; }

    int Repeated { get; set; }

    public override string ToString() =>
        $"writer {number} of {string.Join(" and ", tenants)}: {Acknowledged} transactions "
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
            Faults.Enqueue($"writer {number}: {e}");
        }
    }

    async Task TransactAsync(int tenant, bool moving)
    {
        mine = ExpectedState.Copy();
        var isolated = inIsolated && tenant == TenantMove.Acme;
        // Row-level security would hide one of the two tenants.
        var role = moving || random.Next(3) == 0 ? null : SampleDatabase.Application;
        try
        {
            await using (connection = await (isolated ? move.Isolated : move.Shared).OpenAsync(role))
            {
                await using var transaction = await connection.BeginTransactionAsync(
                    Pick(
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
                if (moving)
                    await MoveAsync();
                for (var steps = random.Next(1, 5); steps > 0; steps--)
                    if (random.Next(8) == 0)
                        await InSavepointAsync(transaction, tenant);
                    else
                        await ChangeAsync(tenant);
                if (random.Next(25) == 0)
                    await Task.Delay(random.Next(200, 1_200), CancellationToken.None);
                if (random.Next(12) == 0)
                {
                    await transaction.RollbackAsync();
                    return;
                }
                await transaction.CommitAsync();
            }
            ExpectedState = mine;
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

    async Task<bool> LookUpAsync() =>
        await move.Shared.ScalarAsync<string>(
            "SELECT isolation_mode FROM tenants WHERE id = 1",
            role: SampleDatabase.Application
        ) == "isolated";

    async Task InSavepointAsync(NpgsqlTransaction transaction, int tenant)
    {
        var until = mine.Copy();
        await transaction.SaveAsync("here");
        for (var steps = random.Next(1, 3); steps > 0; steps--)
            await ChangeAsync(tenant);
        if (random.Next(2) == 0)
        {
            await transaction.RollbackAsync("here");
            mine = until;
        }
        else
            await transaction.ReleaseAsync("here");
    }

    Task ChangeAsync(int tenant) =>
        random.Next(30) switch
        {
            0 => HeatAsync(tenant),
            1 => LookAsync(tenant),
            < 9 => ProjectAsync(tenant),
            < 16 => TaskAsync(tenant),
            < 20 => CommentAsync(tenant),
            < 22 => ReactionAsync(tenant),
            < 24 => CounterAsync(tenant),
            < 26 => EventAsync(tenant),
            < 28 => BadgeAsync(tenant),
            _ => NoteAsync(tenant),
        };

    async Task ProjectAsync(int tenant)
    {
        var project = Any("projects", tenant);
        // As many as there may be, and all of them are the other tenant's.
        if (project is null && mine.Of("projects").Count() >= Enough)
            return;
        switch (project is null ? 0 : random.Next(8))
        {
            case < 2 when project is null || mine.Of("projects").Count() < Enough:
                await RunAsync(
                    "projects",
                    1,
                    """
                    INSERT INTO projects AS t (id, tenant_id, slug, name, document)
                        VALUES (@id, @tenant, @slug, @text, @document)
                    """,
                    new
                    {
                        id = NewKey(),
                        tenant,
                        slug = FreeSlug(),
                        text = NewText(),
                        document = Large(),
                    }
                );
                break;
            case < 4:
                await RunAsync(
                    "projects",
                    1,
                    "UPDATE projects AS t SET name = @text WHERE id = @Key::uuid",
                    new { project!.Key, text = NewText() }
                );
                break;
            case 4:
                await RunAsync(
                    "projects",
                    1,
                    "UPDATE projects AS t SET document = @document WHERE id = @Key::uuid",
                    new { project!.Key, document = Large() }
                );
                break;
            case 5 when Any("projects", tenant) is { } other && other != project:
                await RunAsync(
                    "projects",
                    1,
                    "UPDATE projects AS t SET slug = @free WHERE id = @Key::uuid",
                    new { project!.Key, free = $"w{number} on the way" }
                );
                await RunAsync(
                    "projects",
                    1,
                    "UPDATE projects AS t SET slug = @Extra WHERE id = @Key::uuid",
                    new { other.Key, project.Extra }
                );
                await RunAsync(
                    "projects",
                    1,
                    "UPDATE projects AS t SET slug = @Extra WHERE id = @Key::uuid",
                    new { project.Key, other.Extra }
                );
                break;
            case 6:
                await RekeyProjectAsync(project!, tenant);
                break;
            default:
                await RunAsync(
                    "tasks",
                    mine.Children(project!).Count(),
                    "DELETE FROM tasks AS t WHERE project_id = @Key::uuid",
                    new { project!.Key }
                );
                await RunAsync("projects", 1, "DELETE FROM projects AS t WHERE id = @Key::uuid", new { project.Key });
                break;
        }
    }

    async Task RekeyProjectAsync(HeldRow project, int tenant)
    {
        var id = NewKey();
        var tasks = mine.Children(project).ToArray();
        mine.Forget(project);
        await RunAsync(
            "projects",
            1,
            "UPDATE projects AS t SET id = @id WHERE id = @Key::uuid",
            new { project.Key, id }
        );
        // The tasks have followed, by their triggers too.
        foreach (
            var task in await ReadAsync(
                "tasks",
                $"SELECT {Returned["tasks"]} FROM tasks t WHERE project_id = @id",
                new { id }
            )
        )
        {
            mine.Put(task);
            mine.Record(tenant, $"UPDATE tasks {task.Key}");
        }
        Require(
            tasks.Length,
            mine.Children(mine.Find("projects", $"{id}")!).Count(),
            "tasks of a project that got another key"
        );
    }

    async Task TaskAsync(int tenant)
    {
        if (Any("projects", tenant) is not { } project)
            return;
        var task = Any(mine.Children(project));
        switch (task is null ? 0 : random.Next(9))
        {
            case < 3 when task is null || mine.Of("tasks").Count() < 4 * Enough:
                var count = random.Next(1, 5);
                await RunAsync(
                    "tasks",
                    count,
                    """
                    INSERT INTO tasks AS t (tenant_id, project_id, title, body)
                        SELECT @tenant, @Key::uuid, @text || n, @body FROM generate_series(1, @count) n
                    """,
                    new
                    {
                        tenant,
                        project.Key,
                        text = NewText(),
                        body = Large(),
                        count,
                    }
                );
                break;
            case < 5:
                await RunAsync(
                    "tasks",
                    mine.Children(project).Count(),
                    "UPDATE tasks AS t SET title = @text || id % 10 WHERE project_id = @Key::uuid",
                    new { project.Key, text = NewText() }
                );
                break;
            case 5:
                await RunAsync(
                    "tasks",
                    1,
                    "UPDATE tasks AS t SET title = @text, body = @body WHERE id = @Key::bigint",
                    new
                    {
                        task!.Key,
                        text = NewText(),
                        body = Large(),
                    }
                );
                break;
            case 6:
                await RunAsync(
                    "tasks",
                    1,
                    "UPDATE tasks AS t SET parent_id = @parent::bigint WHERE id = @Key::bigint",
                    new { task!.Key, parent = Any(mine.Children(project))!.Key }
                );
                break;
            default:
                await RunAsync(
                    "tasks",
                    mine.Children(project).Count(row => row.Extra == task!.Key),
                    "UPDATE tasks AS t SET parent_id = NULL WHERE parent_id = @Key::bigint",
                    new { task!.Key }
                );
                await RunAsync("tasks", 1, "DELETE FROM tasks AS t WHERE id = @Key::bigint", new { task.Key });
                break;
        }
    }

    async Task CommentAsync(int tenant)
    {
        if (Any("tasks", tenant) is not { } task)
            return;
        var comment = Any("comments", tenant);
        switch (comment is null ? 0 : random.Next(6))
        {
            case < 2 when comment is null || mine.Of("comments").Count() < 4 * Enough:
                var count = random.Next(1, 4);
                await RunAsync(
                    "comments",
                    count,
                    """
                    INSERT INTO comments AS t (task_id, body) SELECT @Key::bigint, @text || n
                        FROM generate_series(1, @count) n
                    """,
                    new
                    {
                        task.Key,
                        text = NewText(),
                        count,
                    }
                );
                break;
            case 2:
                await RunAsync(
                    "comments",
                    1,
                    "UPDATE comments AS t SET body = @text WHERE id = @Key::bigint",
                    new { comment!.Key, text = NewText() }
                );
                break;
            case 3:
                await RunAsync(
                    "comments",
                    1,
                    "UPDATE comments AS t SET task_id = @task::bigint WHERE id = @Key::bigint",
                    new { comment!.Key, task = task.Key }
                );
                break;
            case 4:
                await RunAsync(
                    "comments",
                    mine.Children(task).Count(),
                    "DELETE FROM comments AS t WHERE task_id = @Key::bigint",
                    new { task.Key }
                );
                break;
            default:
                await RunAsync(
                    "comments",
                    1,
                    "DELETE FROM comments AS t WHERE id = @Key::bigint",
                    new { comment!.Key }
                );
                break;
        }
    }

    async Task ReactionAsync(int tenant)
    {
        if (Any("comments", tenant) is not { } comment)
            return;
        var reaction = Any("reactions", tenant);
        switch (reaction is null ? 0 : random.Next(6))
        {
            case < 2:
                await RunAsync(
                    "reactions",
                    1,
                    "INSERT INTO reactions AS t (id, comment_id, kind) VALUES (@id, @Key::bigint, @text)",
                    new
                    {
                        id = NewKey(),
                        comment.Key,
                        text = NewText(),
                    }
                );
                break;
            case 2:
                await RunAsync(
                    "reactions",
                    1,
                    "UPDATE reactions AS t SET kind = @text WHERE id = @Key::uuid",
                    new { reaction!.Key, text = NewText() }
                );
                break;
            case 3:
                mine.Forget(reaction!);
                await RunAsync(
                    "reactions",
                    1,
                    "UPDATE reactions AS t SET id = @id, comment_id = @comment::bigint WHERE id = @Key::uuid",
                    new
                    {
                        reaction!.Key,
                        comment = comment.Key,
                        id = NewKey(),
                    }
                );
                break;
            default:
                await RunAsync(
                    "reactions",
                    1,
                    "DELETE FROM reactions AS t WHERE id = @Key::uuid",
                    new { reaction!.Key }
                );
                break;
        }
    }

    async Task CounterAsync(int tenant)
    {
        var n = number * 1_000 + random.Next(12);
        var counter = mine.Find("counters", $"{n}");
        if (counter is null)
            await RunAsync(
                "counters",
                1,
                "INSERT INTO counters AS t VALUES (@tenant, @n, @value)",
                new
                {
                    tenant,
                    n,
                    value = ++written,
                }
            );
        else if (counter.Tenant != tenant)
            return;
        else if (random.Next(3) > 0)
            await RunAsync(
                "counters",
                1,
                "UPDATE counters AS t SET value = @value WHERE tenant_id = @tenant AND n = @n",
                new
                {
                    tenant,
                    n,
                    value = ++written,
                }
            );
        else if (random.Next(2) == 0)
            await RunAsync(
                "counters",
                1,
                "DELETE FROM counters AS t WHERE tenant_id = @tenant AND n = @n",
                new { tenant, n }
            );
        else if (number * 1_000 + random.Next(12) is var free && mine.Find("counters", $"{free}") is null)
        {
            mine.Forget(counter);
            await RunAsync(
                "counters",
                1,
                "UPDATE counters AS t SET n = @free, value = @value WHERE tenant_id = @tenant AND n = @n",
                new
                {
                    tenant,
                    n,
                    free,
                    value = ++written,
                }
            );
        }
    }

    async Task EventAsync(int tenant)
    {
        var id = KeyIn("events", tenant);
        var at = new DateOnly(2024, 1, 1).AddDays(random.Next(1_200));
        if (mine.Find("events", $"{id}") is not { } row)
            await RunAsync(
                "events",
                1,
                "INSERT INTO events AS t VALUES (@id, @tenant, @at::date, @text)",
                new
                {
                    id,
                    tenant,
                    at = Date(at),
                    text = NewText(),
                }
            );
        else if (row.Tenant != tenant)
            return;
        else if (random.Next(4) is > 0 and var how)
            // Often into another partition.
            await RunAsync(
                "events",
                1,
                "UPDATE events AS t SET at = @at::date, body = @text WHERE id = @id AND at = @Extra::date",
                new
                {
                    id,
                    row.Extra,
                    at = how > 1 ? Date(at) : row.Extra,
                    text = NewText(),
                }
            );
        else
            await RunAsync(
                "events",
                1,
                "DELETE FROM events AS t WHERE id = @id AND at = @Extra::date",
                new { id, row.Extra }
            );
    }

    async Task BadgeAsync(int tenant)
    {
        var id = KeyIn("badges", tenant);
        if (mine.Find("badges", $"{id}") is not { } row)
            await RunAsync(
                "badges",
                1,
                "INSERT INTO badges AS t VALUES (@id, @tenant, @text, @picture)",
                new
                {
                    id,
                    tenant,
                    text = NewText(),
                    picture = Large(),
                }
            );
        else if (row.Tenant != tenant)
            return;
        else
            switch (random.Next(6))
            {
                case < 3:
                    await RunAsync(
                        "badges",
                        1,
                        "UPDATE badges AS t SET label = @text WHERE id = @id",
                        new { id, text = NewText() }
                    );
                    break;
                case 3:
                    await RunAsync(
                        "badges",
                        1,
                        "UPDATE badges AS t SET picture = @picture WHERE id = @id",
                        new { id, picture = Large() }
                    );
                    break;
                case 4 when FreeKey() is { } free:
                    // Another key, and the large value stays what it was.
                    mine.Forget(row);
                    await RunAsync("badges", 1, "UPDATE badges AS t SET id = @free WHERE id = @id", new { id, free });
                    break;
                default:
                    await RunAsync("badges", 1, "DELETE FROM badges AS t WHERE id = @id", new { id });
                    break;
            }
    }

    // Rows without a key, some of them twice.
    async Task NoteAsync(int tenant)
    {
        var token = $"w{number}-{random.Next(10)}";
        var rows = mine.Of("notes").Where(row => row.Extra == token).ToArray();
        if (rows.Length == 0)
            await RunAsync(
                "notes",
                2,
                "INSERT INTO notes AS t SELECT @tenant, @token, @text FROM generate_series(1, 2)",
                new
                {
                    tenant,
                    token,
                    text = NewText(),
                }
            );
        else if (rows[0].Tenant != tenant)
            return;
        else if (random.Next(3) > 0)
            await RunAsync(
                "notes",
                rows.Length,
                "UPDATE notes AS t SET body = @text WHERE tenant_id = @tenant AND token = @token",
                new
                {
                    tenant,
                    token,
                    text = NewText(),
                }
            );
        else
            await RunAsync(
                "notes",
                rows.Length,
                "DELETE FROM notes AS t WHERE tenant_id = @tenant AND token = @token",
                new { tenant, token }
            );
    }

    // The one row that all writers of the tenant change.
    async Task HeatAsync(int tenant)
    {
        Require(
            1,
            await connection.ExecuteAsync(
                "UPDATE counters SET value = value + 1 WHERE tenant_id = @tenant AND n = 0",
                new { tenant }
            ),
            "rows that are everybody's"
        );
        mine.Heat(tenant);
        mine.Record(tenant, "UPDATE counters 0");
    }

    // What was acknowledged can be read, at any moment, where the tenant is.
    async Task LookAsync(int tenant)
    {
        if (Any("projects", tenant) is not { } project)
            return;
        var there = await ReadAsync(
            "tasks",
            $"SELECT {Returned["tasks"]} FROM tasks t WHERE project_id = @Key::uuid",
            new { project.Key }
        );
        Require(
            string.Join('\n', mine.Children(project).Select(row => row.Text).Order(StringComparer.Ordinal)),
            string.Join('\n', there.Select(row => row.Text).Order(StringComparer.Ordinal)),
            "a project's tasks"
        );
    }

    async Task MoveAsync()
    {
        var tenant = Pick(tenants);
        var other = tenants.Single(one => one != tenant);
        switch (random.Next(6))
        {
            case < 3 when Any("projects", tenant) is { } project:
                var tasks = mine.Children(project).Count();
                if (random.Next(2) == 0)
                    await RunAsync(
                        "projects",
                        1,
                        "UPDATE projects AS t SET tenant_id = @other WHERE id = @Key::uuid",
                        new { project.Key, other }
                    );
                await RunAsync(
                    "tasks",
                    tasks,
                    "UPDATE tasks AS t SET tenant_id = @other WHERE project_id = @Key::uuid",
                    new { project.Key, other }
                );
                await RunAsync(
                    "projects",
                    1,
                    "UPDATE projects AS t SET tenant_id = @other, name = @text WHERE id = @Key::uuid",
                    new
                    {
                        project.Key,
                        other,
                        text = NewText(),
                    }
                );
                break;
            case 3 when Any("comments", tenant) is { } comment && Any("tasks", other) is { } task:
                await RunAsync(
                    "comments",
                    1,
                    "UPDATE comments AS t SET task_id = @task::bigint WHERE id = @Key::bigint",
                    new { comment.Key, task = task.Key }
                );
                break;
            case 4
                when mine.Of("badges", tenant).Select(row => Guid.Parse(row.Key)).ToArray() is { Length: > 0 } badges:
                await RunAsync(
                    "badges",
                    badges.Length,
                    "UPDATE badges AS t SET tenant_id = @other WHERE id = ANY (@badges)",
                    new { badges, other }
                );
                break;
            default:
                if (Any("events", tenant) is { } happened)
                    await RunAsync(
                        "events",
                        1,
                        "UPDATE events AS t SET tenant_id = @other WHERE id = @Key::uuid",
                        new { happened.Key, other }
                    );
                if (Any("counters", tenant) is { } counter)
                    await RunAsync(
                        "counters",
                        1,
                        "UPDATE counters AS t SET tenant_id = @other WHERE n = @Key::int",
                        new { counter.Key, other }
                    );
                if (Any("notes", tenant)?.Extra is { } token)
                    await RunAsync(
                        "notes",
                        null,
                        "UPDATE notes AS t SET tenant_id = @other WHERE token = @token",
                        new { token, other }
                    );
                break;
        }
    }

    /// <summary>Runs a statement and notes what it returned.</summary>
    async Task RunAsync(string table, int? expected, string sql, object parameters)
    {
        var verb = sql[..6];
        var rows = await ReadAsync(table, $"{sql} RETURNING {Returned[table]}", parameters);
        if (expected is { } count)
            Require(count, rows.Count, sql);
        foreach (var row in rows)
        {
            if (WithHistory.Contains(table))
                mine.Record(row.Tenant!.Value, $"{verb} {table} {row.Key}");
            if (verb != "DELETE")
                mine.Put(row);
            else
            {
                Require(mine.Find(table, row.Key)?.Text ?? "nothing", row.Text, $"what was deleted from {table}");
                mine.Remove(row);
            }
        }
    }

    async Task<List<HeldRow>> ReadAsync(string table, string sql, object parameters)
    {
        var rows = await connection.QueryAsync<(string Key, int? Tenant, string? Parent, string? Extra, string Text)>(
            sql,
            parameters
        );
        // Rows alike have one name, and a number.
        return
        [
            .. rows.Select(
                (row, n) =>
                    new HeldRow(
                        table,
                        table == "notes" ? $"{row.Key} {n}" : row.Key,
                        row.Tenant,
                        row.Parent,
                        row.Extra,
                        row.Text
                    )
            ),
        ];
    }

    HeldRow? Any(string table, int tenant) => Any(mine.Of(table, tenant));

    HeldRow? Any(IEnumerable<HeldRow> rows) => rows.ToArray() is { Length: > 0 } all ? Pick(all) : null;

    T Pick<T>(params T[] values) => values[random.Next(values.Length)];

    // One that another row may have had.
    string FreeSlug() =>
        Enumerable
            .Range(0, int.MaxValue)
            .Select(n => $"w{number}-{n}")
            .First(slug => mine.Of("projects").All(row => row.Extra != slug));

    // Of two tenants one might take a key of which the other has left a copy behind in the shared database.
    Guid KeyIn(string table, int tenant) =>
        tenants.Length == 1 ? Pick(keys)
        : Any(table, tenant) is { } row && random.Next(4) > 0 ? Guid.Parse(row.Key)
        : NewKey();

    Guid? FreeKey() =>
        tenants.Length > 1
            ? NewKey()
            : keys.Where(key => mine.Find("badges", $"{key}") is null).Cast<Guid?>().FirstOrDefault();

    string NewText() => $"w{number} {++written}";

    Guid NewKey()
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new(bytes);
    }

    // Stored out of line, or absent.
    string? Large()
    {
        if (random.Next(3) == 0)
            return null;
        var bytes = new byte[random.Next(4_500, 7_000)];
        random.NextBytes(bytes);
        return Convert.ToHexString(bytes);
    }

    static string Date(DateOnly date) => date.ToString("yyyy-MM-dd");

    void Require<T>(T expected, T found, string what)
    {
        if (!Equals(expected, found))
            throw new InvalidOperationException($"In {connection.Database}: {what}: {found} instead of {expected}.");
    }
}
