using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Crashes;

/// <summary>
/// A small shared database with a bit of everything that can go wrong half-way (derived and keyless tables, partitions,
/// triggers that write, a role that only the shared server has), a tenant to move, and a copy of how it all began.
/// </summary>
public sealed class CrashFixture : IAsyncDisposable
{
    static int workshops;

    CrashFixture(TestDatabase shared, TestDatabase began, EmbeddedCluster server, string slug, string reader)
    {
        Shared = shared;
        Began = began;
        Server = server;
        Slug = slug;
        Reader = reader;
        // The online way has crash tests of its own.
        Move = new(shared, slug, server, new() { Reference = [TableName.Parse("public.countries")] })
        {
            Mode = PromotionOptions.Fenced,
        };
    }

    public TestDatabase Shared { get; }

    /// <summary>The shared database as it was before anything moved.</summary>
    public TestDatabase Began { get; }

    public EmbeddedCluster Server { get; }

    public string Slug { get; }

    /// <summary>A role that may read in the shared database and that the other server does not know.</summary>
    public string Reader { get; }

    /// <summary>The same move in this process, for the steps that nobody kills.</summary>
    public TenantMove Move { get; }

    public TestDatabase Isolated => Move.Isolated;

    public string RoutingFile => Move.RoutingFile;

    TestDatabase Maintenance => new(Server, "postgres", EmbeddedCluster.Superuser);

    /// <param name="tasks">Tasks of the tenant to move; the other tables follow from it.</param>
    public static async Task<CrashFixture> CreateAsync(EmbeddedCluster shared, EmbeddedCluster server, int tasks = 600)
    {
        var number = Interlocked.Increment(ref workshops);
        var reader = $"workshop_reader_{number}";
        await shared.CreateRoleAsync(reader, "NOLOGIN", creator: Servers.Admin);
        var database = await TestDatabase.CreateAsync(shared, $"workshop_{number}", Servers.Admin);
        await database.ExecuteAsync(Schema.Replace("workshop_reader", reader, StringComparison.Ordinal));
        await database.ExecuteAsync(Rows, new { slug = $"workshop-{number}", tasks });
        var began = new TestDatabase(shared, $"workshop_{number}_began", Servers.Admin);
        NpgsqlConnection.ClearPool(new(database.ConnectionString()));
        await new TestDatabase(shared, "postgres", EmbeddedCluster.Superuser).ExecuteAsync(
            $"CREATE DATABASE {began.Name} TEMPLATE {database.Name} OWNER {Servers.Admin}"
        );
        return new(database, began, server, $"workshop-{number}", reader);
    }

    /// <summary>
    /// A tenant whose promotion was killed at a moment, and before the flip: one that was killed later is thrown away.
    /// </summary>
    public static async Task<CrashFixture> KilledAsync(Servers servers, string moment)
    {
        while (true)
        {
            var shop = await CreateAsync(servers.Shared, servers.Dedicated);
            try
            {
                await shop.KillAsync("promote", moment);
                if (await shop.ModeAsync() == "shared")
                    return shop;
            }
            catch
            {
                await shop.DisposeAsync();
                throw;
            }
            await shop.DisposeAsync();
        }
    }

    /// <summary>Starts a verb for the tenant, as users run it.</summary>
    public MigratorProcess Start(string verb, params string[] arguments) => Move.Start(verb, arguments);

    /// <summary>
    /// Runs a verb and kills it at a moment, as in <see cref="Started.CopyData"/>, or later: the journal knows.
    /// </summary>
    public Task KillAsync(string verb, string moment, params string[] arguments) =>
        Move.KillAsync(verb, moment, arguments: arguments);

    /// <summary>Runs a verb until it waits for a table that somebody else has locked, and kills it there.</summary>
    public async Task KillAtLockAsync(string verb, string table)
    {
        await using var connection = await Shared.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand($"LOCK TABLE {table} IN EXCLUSIVE MODE", connection))
            await command.ExecuteNonQueryAsync();
        await using var migrator = Start(verb);
        await Waiting.UntilAsync(
            Shared,
            $"SELECT EXISTS (SELECT FROM pg_locks WHERE relation = '{table}'::regclass AND NOT granted)"
        );
        migrator.Kill();
        // Whoever waits for a lock does not look whether its client is still there.
        await Shared.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = CAST(@table AS regclass) AND NOT granted",
            new { table }
        );
    }

    /// <summary>
    /// The tenant is in its own database: schema and rows are those of the shared one, once each, and both say so.
    /// </summary>
    public async Task MustBeIsolatedAsync()
    {
        var comparer = new DatabaseComparer(Shared, Isolated, byCatalog: true);
        Assert.Empty(await comparer.CompareSchemasAsync());
        Assert.Empty(await comparer.CompareRowsAsync(Tables));
        Assert.Equal("isolated", await ModeAsync());
        Assert.Equal("moved", await GuardAsync());
        Assert.True(File.Exists(RoutingFile));
        Assert.Empty(await OpenEndsAsync());
    }

    /// <summary>
    /// The tenant is in the shared database, which is as it was; nothing is left of the attempt but its history.
    /// </summary>
    public async Task MustBeUntouchedAsync()
    {
        Assert.Empty(
            await new DatabaseComparer(Began, Shared, byCatalog: true).CompareAsync([
                .. Tables.Select(table => table with { Where = "true" }),
            ])
        );
        Assert.Empty(await TracesAsync());
        Assert.False(await ExistsAsync());
        Assert.False(
            await Maintenance.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = @Reader)",
                new { Reader }
            )
        );
        Assert.False(File.Exists(RoutingFile));
        await WriteAsync();
    }

    /// <summary>The tenant is back in the shared database with everything that was written in its own.</summary>
    public async Task MustBeHomeAsync()
    {
        Assert.Empty(await new DatabaseComparer(Shared, Isolated).CompareRowsAsync(Tables));
        Assert.Equal("shared", await ModeAsync());
        Assert.Empty(await TracesAsync());
        await OthersMustBeUntouchedAsync();
        await WriteAsync();
    }

    /// <summary>
    /// The tenant's rows are in its own database alone, and nothing of the move is left but its history.
    /// </summary>
    public async Task MustBeFinalizedAsync()
    {
        // The flip changed the tenant's own row.
        Assert.DoesNotContain(
            await new DatabaseComparer(Began, Isolated).CompareRowsAsync(Tables),
            difference => !difference.StartsWith("rows: public.tenants ", StringComparison.Ordinal)
        );
        foreach (var table in Tables.Where(table => table.Where != "true" && table.Table != "public.tenants"))
            Assert.Equal(
                0,
                await Shared.ScalarAsync<long>($"SELECT count(*) FROM {table.Table} t WHERE {table.Where}")
            );
        Assert.Equal("isolated", await ModeAsync());
        Assert.Empty(await TracesAsync());
        await OthersMustBeUntouchedAsync();
    }

    /// <summary>The other tenants' rows are what they were.</summary>
    public async Task OthersMustBeUntouchedAsync()
    {
        foreach (var table in Tables.Where(table => table.Where != "true"))
        {
            var others = $"SELECT t::text FROM {table.Table} t WHERE ({table.Where}) IS NOT TRUE ORDER BY 1";
            Assert.Equal(await Began.QueryAsync<string>(others), await Shared.QueryAsync<string>(others));
        }
    }

    /// <summary>A write of the tenant in the shared database, by its application.</summary>
    public Task WriteAsync() => Shared.ExecuteAsync(TenantWrite, role: Demo.SampleDatabase.Application);

    /// <summary>
    /// Inserts, updates and deletes in the isolated database, by the tenant's application; triggers write along.
    /// </summary>
    public Task WriteIsolatedAsync() =>
        Isolated.ExecuteAsync(
            $"""
            {TenantWrite};
            INSERT INTO comments (task_id, body) SELECT id, 'new' FROM tasks WHERE id % 5 = 0;
            UPDATE comments SET body = body || ' changed' WHERE id % 7 = 0;
            DELETE FROM comments WHERE id % 11 = 0;
            INSERT INTO events (tenant_id, at, body) SELECT '{Acme}', '2025-03-01', 'late ' || n
                FROM generate_series(1, 50) n;
            DELETE FROM events WHERE body LIKE '%3';
            INSERT INTO notes SELECT '{Acme}', 'dictated' FROM generate_series(1, 3);
            DELETE FROM tasks t WHERE id % 13 = 0 AND NOT EXISTS (SELECT FROM tasks c WHERE c.parent_id = t.id);
            """,
            role: Demo.SampleDatabase.Application
        );

    public Task<string> ModeAsync() =>
        Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE slug = @Slug", new { Slug });

    /// <summary>The state of the tenant's newest promotion; null when there is no journal yet.</summary>
    public async Task<string?> StateAsync() =>
        await Shared.ScalarAsync<bool>("SELECT to_regclass('tenant_promotion.promotion') IS NOT NULL")
            ? await Shared.ScalarAsync<string?>(
                "SELECT state FROM tenant_promotion.promotion WHERE tenant_key = @Acme ORDER BY id DESC LIMIT 1",
                new { Acme }
            )
            : null;

    /// <summary>The state of the tenant's guard in the shared database; null when there is none.</summary>
    public async Task<string?> GuardAsync() =>
        await Shared.ScalarAsync<bool>("SELECT to_regclass('tenant_promotion.guard') IS NOT NULL")
            ? (
                await Shared.QueryAsync<string>(
                    "SELECT state FROM tenant_promotion.guard WHERE tenant_key = @Acme",
                    new { Acme }
                )
            ).SingleOrDefault()
            : null;

    public Task<bool> ExistsAsync() =>
        Maintenance.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = @Name)",
            new { Isolated.Name }
        );

    /// <summary>For each table the rows that are the tenant's, written down by hand.</summary>
    public static IReadOnlyList<TableRows> Tables { get; } =
    [
        new("public.tenants", $"id = '{Acme}'"),
        .. new[] { "projects", "tasks", "events", "notes", "history" }.Select(name => new TableRows(
            "public." + name,
            $"tenant_id = '{Acme}'"
        )),
        new("public.comments", $"task_id IN (SELECT id FROM public.tasks WHERE tenant_id = '{Acme}')"),
        new("public.countries", "true"),
    ];

    public const string Acme = "aaaaaaaa-0000-4000-8000-00000000000a";

    public const string TenantWrite = $"""
        SET app.current_tenant_id = '{Acme}';
        UPDATE projects SET name = name || '!' WHERE tenant_id = '{Acme}'
        """;

    public async ValueTask DisposeAsync()
    {
        await Began.DisposeAsync();
        await Move.DisposeAsync();
    }

    async Task<IReadOnlyList<string>> TracesAsync() =>
        [
            .. await Shared.QueryAsync<string>(
                """
                SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname ~ 'tenant_promotion'
                UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proname ~ '^~tenant_promotion'
                UNION ALL SELECT 'guard ' || tenant_slug FROM tenant_promotion.guard
                """
            ),
            .. await OpenEndsAsync(),
        ];

    // Sessions end a moment after the process.
    async Task<IReadOnlyList<string>> OpenEndsAsync()
    {
        await Waiting.UntilSessionsEndAsync(Shared, Slug);
        return await Shared.QueryAsync<string>(
            """
            SELECT 'lock ' || objid FROM pg_locks
            WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            role: EmbeddedCluster.Superuser
        );
    }

    const string Schema = """
        CREATE TABLE tenants (
            id uuid PRIMARY KEY, slug text NOT NULL UNIQUE, plan text NOT NULL DEFAULT 'team',
            status text NOT NULL DEFAULT 'active',
            isolation_mode text NOT NULL DEFAULT 'shared', settings jsonb NOT NULL DEFAULT '{"theme": "dark"}',
            created_at timestamptz NOT NULL DEFAULT '2025-01-01', updated_at timestamptz NOT NULL DEFAULT '2025-01-01');
        CREATE TABLE countries (code text PRIMARY KEY);
        CREATE TABLE projects (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants,
            name text NOT NULL,
            country text REFERENCES countries, updated_at timestamptz NOT NULL DEFAULT '2025-01-01',
            UNIQUE (tenant_id, id));
        CREATE TABLE tasks (
            id bigserial PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants, project_id bigint NOT NULL,
            parent_id bigint REFERENCES tasks,
            title text NOT NULL, length integer GENERATED ALWAYS AS (length(title)) STORED,
            FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id));
        CREATE INDEX ON tasks (tenant_id);
        CREATE TABLE comments (
            id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            task_id bigint NOT NULL REFERENCES tasks ON DELETE CASCADE, body text);
        CREATE INDEX ON comments (task_id);
        CREATE TABLE events (
            id bigint GENERATED ALWAYS AS IDENTITY, tenant_id uuid NOT NULL, at date NOT NULL, body text,
            PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE TABLE notes (tenant_id uuid NOT NULL, note text);
        CREATE TABLE history (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants, what text NOT NULL);
        CREATE MATERIALIZED VIEW task_counts AS SELECT tenant_id, count(*) FROM tasks GROUP BY 1;

        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
        CREATE TRIGGER stamp BEFORE UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION stamp();
        CREATE TRIGGER stamp BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION stamp();
        CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO public.history (tenant_id, what)
                    VALUES (coalesce(NEW.tenant_id, OLD.tenant_id), TG_OP || ' ' || TG_TABLE_NAME);
                RETURN NULL;
            END $$;
        CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION record();
        CREATE TRIGGER record AFTER UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION record();

        ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON projects
            USING (tenant_id = NULLIF(current_setting('app.current_tenant_id', true), '')::uuid);
        ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON tasks USING (tenant_id = NULLIF(current_setting('app.current_tenant_id', true), '')::uuid);
        GRANT SELECT ON tenants, countries TO application_role;
        GRANT SELECT, INSERT, UPDATE, DELETE ON projects, tasks, comments, events, notes, history TO application_role;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO application_role;
        GRANT SELECT ON projects TO workshop_reader;
        """;

    const string Rows = $"""
        INSERT INTO countries VALUES ('CL'), ('NO');
        INSERT INTO tenants (id, slug) VALUES
            ('{Acme}', @slug), ('bbbbbbbb-0000-4000-8000-00000000000b', @slug || '-b'),
                ('cccccccc-0000-4000-8000-00000000000c', @slug || '-c');
        INSERT INTO projects (tenant_id, name, country)
            SELECT id, 'Project ' || n, CASE n % 3 WHEN 0 THEN 'CL' WHEN 1 THEN 'NO' END
            FROM tenants, generate_series(1, 10) n ORDER BY n;
        INSERT INTO tasks (tenant_id, project_id, title)
            SELECT t.id, (SELECT min(p.id) FROM projects p WHERE p.tenant_id = t.id AND p.id > n % 27), 'Task ' || n
            FROM tenants t, generate_series(1, @tasks) n WHERE t.id = '{Acme}' OR n % 10 = 0 ORDER BY n;
        UPDATE tasks t SET parent_id = (SELECT max(p.id) FROM tasks p WHERE p.tenant_id = t.tenant_id AND p.id < t.id)
            WHERE id % 4 = 0;
        INSERT INTO comments (task_id, body) SELECT id, repeat('words ', 20) || n FROM tasks, generate_series(1, 3) n;
        INSERT INTO events (tenant_id, at, body) SELECT t.id, date '2024-01-01' + n % 700, 'Event ' || n
            FROM tenants t, generate_series(1, @tasks) n;
        INSERT INTO notes SELECT id, 'Note ' || n % 20 FROM tenants, generate_series(1, 60) n;
        TRUNCATE history;
        INSERT INTO history (tenant_id, what) SELECT id, 'imported' FROM tenants;
        REFRESH MATERIALIZED VIEW task_counts;
        ANALYZE;
        """;
}
