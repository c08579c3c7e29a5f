using Dapper;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Scope;

/// <summary>Rows that are the tenant's by a condition on rows of other tables.</summary>
public sealed class SubqueryTests(Servers servers)
{
    // Even projects are tenant 1's. No key leads from an event to its project. Event 100's project does not exist yet.
    const string Schema = """
        CREATE TABLE projects (id int PRIMARY KEY, tenant_id bigint NOT NULL, code text NOT NULL UNIQUE, parent_id int);
        CREATE TABLE events (id int PRIMARY KEY, subject text, body text, project_id int REFERENCES projects ON DELETE SET NULL);
        INSERT INTO projects SELECT n, 1 + n % 2, 'p' || n FROM generate_series(1, 20) n;
        INSERT INTO events SELECT n, 'p' || 1 + n % 20 || '/' || n, 'e', 1 + n % 20 FROM generate_series(1, 60) n;
        INSERT INTO events VALUES (100, 'p100/1', 'early'), (101, NULL, 'nobody''s'), (102, 'nothing', 'nobody''s');
        """;

    const string Events = "split_part(subject, '/', 1) IN (SELECT code FROM projects WHERE tenant_id = 1)";

    static readonly ScopePattern Pattern = new(
        "A condition on rows of other tables",
        Schema,
        [("projects", "tenant_id = 1"), ("events", Events)]
    );

    [Fact]
    public Task Rows_go_there_online_and_back_and_are_deleted() =>
        (
            Pattern with
            {
                // Rows become the tenant's and cease to be without being touched; codes change; rows change their project.
                Meanwhile = """
                    INSERT INTO projects VALUES (100, 1, 'p100'); UPDATE projects SET tenant_id = 1 WHERE id = 3;
                    UPDATE projects SET tenant_id = 2 WHERE id = 4; UPDATE projects SET code = 'p6x' WHERE id = 6;
                    UPDATE events SET project_id = NULL WHERE project_id = 6;
                    UPDATE events SET subject = 'p8/moved', project_id = NULL WHERE id = 12;
                    UPDATE events SET subject = 'p5/moved', project_id = 5 WHERE id = 7;
                    INSERT INTO events VALUES (200, 'p8/new', 'new'), (201, 'p9/new', 'new'), (202, 'p6x/new', 'new');
                    DELETE FROM events WHERE id = 9;
                    """,
                // A project goes with its events, another one gets a new code, and a third one comes.
                There = """
                    DELETE FROM events WHERE split_part(subject, '/', 1) = 'p10'; DELETE FROM projects WHERE id = 10;
                    UPDATE projects SET code = 'p12x' WHERE id = 12;
                    UPDATE events SET subject = replace(subject, 'p12/', 'p12x/') WHERE subject LIKE 'p12/%';
                    UPDATE events SET subject = 'p14/there' WHERE subject LIKE 'p16/%';
                    DELETE FROM projects WHERE id = 16;
                    INSERT INTO events VALUES (300, 'p300/there', 'there'); INSERT INTO projects VALUES (300, 1, 'p300');
                    """,
            }
        ).MoveAsync(servers);

    [Fact]
    public Task Rows_go_there_fenced_and_back() =>
        (
            Pattern with
            {
                Mode = PromotionOptions.Fenced,
                There = """
                    DELETE FROM events WHERE split_part(subject, '/', 1) = 'p10'; DELETE FROM projects WHERE id = 10;
                    INSERT INTO events VALUES (300, 'p300/there', 'there'); INSERT INTO projects VALUES (300, 1, 'p300');
                    """,
            }
        ).MoveAsync(servers);

    // The names that the statements of the migrator give to rows, and names that mean another thing outside.
    [Fact]
    public Task Names_mean_what_they_mean_in_sql() =>
        new ScopePattern(
            "",
            """
            CREATE TABLE projects (id int PRIMARY KEY, tenant_id bigint NOT NULL, code text, ours boolean);
            CREATE TABLE "Members" ("Id" int PRIMARY KEY, project_id int NOT NULL REFERENCES projects, name text);
            CREATE TABLE "events" (id int, ours text, code text, tags jsonb);
            CREATE INDEX ON events (code);
            INSERT INTO projects SELECT n, 1 + n % 2, 'p' || n, n % 3 > 0 FROM generate_series(1, 20) n;
            INSERT INTO "Members" SELECT n, n, 'm' || n FROM generate_series(1, 20) n;
            INSERT INTO events SELECT n, CASE WHEN n % 5 > 0 THEN 'm' || n % 20 + 1 END, 'p' || n % 20 + 1,
                CASE n % 7 WHEN 0 THEN '["p2", "x"]'::jsonb WHEN 1 THEN '[]' END FROM generate_series(1, 80) n;
            """,
            [
                ("projects", "tenant_id = 1"),
                ("\"Members\"", "project_id IN (SELECT id FROM projects WHERE tenant_id = 1)"),
                (
                    "events",
                    """
                    code IN (SELECT code FROM projects p WHERE tenant_id = 1 AND p.ours AND id > 0)
                    AND (ours IS NULL OR ours IN (SELECT name FROM "Members" m JOIN projects p ON p.id = m.project_id
                                                  WHERE tenant_id = 1))
                    AND NOT coalesce(tags @> '["p2"]', false)
                    """
                ),
            ]
        )
        {
            Tenancy = ScopePattern.Parse(
                """
                { "tables": {
                    "public.Members": { "belongs_to": "public.projects" },
                    "public.events": { "where": "events.code IN (SELECT code FROM public.projects t WHERE t.ours AND id > 0)
                        AND (ours IS NULL OR ours IN (SELECT o.name FROM public.\"Members\" AS o, public.projects
                            WHERE projects.id = project_id AND ours IS NOT DISTINCT FROM ours))
                        AND NOT EXISTS (SELECT FROM jsonb_array_elements_text(tags) code(code) WHERE code = 'p2'
                            AND extract(year FROM interval '1 year') = 1)" }
                } }
                """.ReplaceLineEndings(" ")
            ),
            Meanwhile = """
                UPDATE projects SET ours = NOT ours WHERE id IN (4, 6, 8); UPDATE "Members" SET project_id = 5 WHERE "Id" = 8;
                UPDATE events SET tags = '["p2"]' WHERE id = 15; INSERT INTO events VALUES (200, NULL, 'p2', NULL);
                """,
            There = "DELETE FROM events WHERE id = 200; INSERT INTO events VALUES (300, 'm2', 'p2', '[]');",
        }.MoveAsync(servers);

    [Fact]
    public async Task The_guard_knows_the_condition_and_others_are_left_alone()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync(validate: false);

        await move.Shared.ExecuteAsync(
            """
            INSERT INTO projects VALUES (500, 2, 'p500'); INSERT INTO events VALUES (500, 'p500/1'), (501, 'nothing');
            UPDATE events SET subject = 'p500/2' WHERE id IN (101, 6); DELETE FROM events WHERE id = 100;
            """
        );
        foreach (
            var write in (string[])
                [
                    "INSERT INTO events VALUES (502, 'p2/1')",
                    "UPDATE events SET subject = 'p2/1' WHERE id = 102",
                    "UPDATE events SET body = 'x' WHERE id = 1",
                    "UPDATE events SET subject = 'p500/1' WHERE id = 1",
                    "DELETE FROM events WHERE id = 1",
                    "INSERT INTO projects VALUES (503, 1, 'nothing')",
                ]
        )
            Assert.Equal(
                PostgresErrorCodes.ReadOnlySqlTransaction,
                (await Assert.ThrowsAsync<PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
    }

    // The event is nobody's to whoever writes it: the project is still another transaction's.
    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task The_close_waits_for_a_row_whose_project_was_not_to_be_seen(string mode)
    {
        // A server of its own: a slot that is made on the same one would wait for the writes.
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated, Pattern.Tenancy);
        move.Mode = mode;
        await using var writer = await move.Shared.OpenAsync();
        NpgsqlTransaction? writing = null;

        var promotion = Task.Run(() =>
            move.PromoteMeddledAsync(
                mode == PromotionOptions.Online ? PhaseName.CutOver : PhaseName.CloseGuard,
                async () =>
                {
                    writing = await writer.BeginTransactionAsync();
                    await writer.ExecuteAsync("INSERT INTO events VALUES (400, 'p400/1')");
                    await move.Shared.ExecuteAsync("INSERT INTO projects VALUES (400, 1, 'p400')");
                }
            )
        );
        // It looks at the writers again and again; one look would be the end of it if it did not wait.
        var looks = new HashSet<string>();
        await Waiting.UntilAsync(async () =>
        {
            looks.UnionWith(await LooksAsync(move));
            return promotion.IsCompleted || looks.Count > 5;
        });
        await writing!.CommitAsync();
        await promotion;

        Assert.Equal([400], await move.Isolated.QueryAsync<int>("SELECT id FROM events WHERE subject LIKE 'p400/%'"));
    }

    // To this transaction no such project exists, however late it writes.
    [Fact]
    public async Task A_snapshot_from_before_does_not_tell_whose_a_row_is()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated, Pattern.Tenancy);
        await using var old = await move.Shared.OpenAsync();
        NpgsqlTransaction? reading = null;
        await move.PromoteMeddledAsync(
            PhaseName.CutOver,
            async () =>
            {
                reading = await old.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
                await old.ExecuteAsync("SELECT count(*) FROM projects");
                await move.Shared.ExecuteAsync("INSERT INTO projects VALUES (400, 1, 'p400')");
            }
        );

        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            old.ExecuteAsync("INSERT INTO events VALUES (400, 'p400/1')")
        );

        Assert.Equal(PostgresErrorCodes.SerializationFailure, refused.SqlState);
        await reading!.DisposeAsync();
    }

    // The rows are home already when the attempt fails. Then the tenant deletes some, with the project that tells whose they are.
    [Fact]
    public async Task Rows_that_go_after_an_attempt_to_come_home_do_not_stay_behind()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync(validate: false);
        await using var holder = await move.Shared.OpenAsync();
        NpgsqlTransaction? holding = null;

        var rollback = Task.Run(() =>
            move.RollBackAsync(
                move.Options(maxPause: TimeSpan.FromSeconds(2)),
                phase =>
                {
                    if (phase != PhaseName.FlipBack)
                        return;
                    holding = holder.BeginTransaction();
                    holder.Execute($"SELECT FROM tenants WHERE id = {TenantMove.Acme} FOR UPDATE");
                }
            )
        );
        await Waiting.UntilAsync(() => rollback.IsCompleted || move.Watched.HasWarned("attempt"));
        Assert.NotEqual(
            0,
            await move.Shared.ScalarAsync<long>("SELECT count(*) FROM events WHERE subject LIKE 'p10/%'")
        );
        await move.Isolated.ExecuteAsync(
            "DELETE FROM events WHERE subject LIKE 'p10/%'; DELETE FROM projects WHERE code = 'p10'"
        );
        await holding!.RollbackAsync();
        await rollback;

        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM events WHERE subject LIKE 'p10/%'"));
        Assert.Equal(
            await move.Isolated.QueryAsync<string>("SELECT e::text FROM events e ORDER BY id"),
            await move.Shared.QueryAsync<string>($"SELECT e::text FROM events e WHERE {Events} ORDER BY id")
        );
    }

    [Fact]
    public async Task Preflight_says_which_table_is_copied_in_the_pause_and_why()
    {
        await using var move = await Pattern.CreateAsync(servers);

        Assert.Contains(
            (await move.PreflightAsync()).Warnings,
            said =>
                said.Contains("Rows of public.projects tell which rows of public.events", StringComparison.Ordinal)
                && said.Contains("paused", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_row_that_is_two_tenants_by_the_condition_is_refused_with_its_key()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.Shared.ExecuteAsync(
            "ALTER TABLE projects DROP CONSTRAINT projects_code_key; UPDATE projects SET code = 'p2' WHERE id = 1"
        );

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains("public.events", fault);
        Assert.Contains("1; 21; 41", fault);
    }

    [Fact]
    public async Task A_rollback_refuses_rows_that_the_condition_gives_to_nobody()
    {
        await using var move = await Pattern.CreateAsync(servers);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO events VALUES (700, 'p700/1')");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains("public.events", refused.Message);
        Assert.Contains("700", refused.Message);
    }

    static readonly (string Condition, string Why)[] Unfit =
    [
        ("EXISTS (SELECT FROM projects p WHERE p.code = subject)", "names each table with its schema"),
        ("EXISTS (SELECT FROM public.plans p WHERE p.name = subject)", "public.plans, whose rows are no tenant's"),
        ("subject = (SELECT slug FROM public.tenants)", "public.tenants, whose rows are no tenant's"),
        ("EXISTS (SELECT FROM public.events e WHERE e.id = id)", "public.events, whose rows are no tenant's"),
        ("EXISTS (SELECT FROM public.nothing n WHERE n.id = id)", "there is no table public.nothing"),
        ("EXISTS (SELECT FROM public.projects p WHERE p.x = subject)", "column p.x does not exist"),
        ("EXISTS (SELECT FROM public.projects p, pg_class WHERE p.code = subject)", "with its schema"),
        ("EXISTS (SELECT FROM public.projects p WHERE p.code = subject FOR UPDATE)", "without comments"),
        ("EXISTS (SELECT FROM public.projects p WHERE p.code = subject AND now() > '2020-01-01')", "now()"),
        ("id IN (SELECT id FROM public.projects WHERE tenant_id = random() * :tenant)", "random()"),
    ];

    [Fact]
    public async Task Conditions_that_do_not_fit_are_refused()
    {
        await using var move = await RefusedAsync("id = 1", "");
        foreach (var (condition, why) in Unfit)
        {
            var faults = (await move.PreflightAsync(TenancyOf(condition))).Faults;

            Assert.Equal((condition, 1), (condition, faults.Count));
            Assert.Contains("public.events", faults[0]);
            Assert.Contains(why, faults[0]);
        }
    }

    [Fact]
    public async Task No_rows_may_refer_to_such_a_table()
    {
        await using var move = await RefusedAsync(
            "EXISTS (SELECT FROM public.projects p WHERE p.code = subject)",
            "CREATE TABLE marks (id int PRIMARY KEY, tenant_id bigint, event_id int REFERENCES events);"
        );

        var faults = (await move.PreflightAsync()).Faults;

        Assert.Contains(
            faults,
            fault => fault.Contains("rows of public.marks refer to this one", StringComparison.Ordinal)
        );
    }

    Task<TenantMove> RefusedAsync(string condition, string more) =>
        TenantMove.CreateAsync(
            servers,
            $"CREATE TABLE plans (name text PRIMARY KEY); {Schema} {more}",
            tenancy: TenancyOf(condition)
        );

    static Settings.Tenancy TenancyOf(string condition) =>
        new()
        {
            Reference = [new("public", "plans")],
            Rules = new Dictionary<TableName, Settings.TableRule>
            {
                [new("public", "events")] = new Settings.WhereRule(condition),
            },
        };

    // No lock tells whom the close waits for.
    static Task<IReadOnlyList<string>> LooksAsync(TenantMove move) =>
        move.Shared.QueryAsync<string>(
            """
            SELECT a.query_start::text
            FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.granted AND l.mode = 'ExclusiveLock' AND c.relname LIKE '%\_gate'
              AND a.query LIKE '%virtualtransaction%'
            """
        );
}
