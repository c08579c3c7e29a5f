using System.Security.Cryptography;
using System.Text;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online.Stress;

/// <summary>
/// Writers of two tenants that do all that applications do, without a pause, and the memory of what they were told: at
/// the end the databases must hold exactly that, in every column. Rows travel between the tenants while both are in the
/// shared database.
/// </summary>
sealed class StressWorkload : IAsyncDisposable
{
    const int Most = 12;

    readonly TenantMove move;
    readonly StressClient[] writers;
    readonly IReadOnlyList<string> before;
    readonly CancellationTokenSource stop = new();
    readonly Task running;

    StressWorkload(TenantMove move, StressClient[] writers, IReadOnlyList<string> before)
    {
        (this.move, this.writers, this.before) = (move, writers, before);
        running = Task.WhenAll(writers.Select(writer => Task.Run(() => writer.RunAsync(stop.Token))));
    }

    /// <summary>Starts three writers of acme, two of bolt, and two that move rows between them.</summary>
    /// <param name="move">Made from <see cref="Schema"/>; acme is in one of its two databases.</param>
    /// <param name="travelling">Two writers move rows from one tenant to the other while both are shared.</param>
    public static async Task<StressWorkload> StartAsync(TenantMove move, Random random, bool travelling)
    {
        var before = await FoundAsync(move);
        int[][] tenants =
        [
            [TenantMove.Acme],
            [TenantMove.Acme],
            [TenantMove.Acme],
            [TenantMove.Bolt],
            [TenantMove.Bolt],
            [TenantMove.Acme, TenantMove.Bolt],
            [TenantMove.Acme, TenantMove.Bolt],
        ];
        return new(
            move,
            [.. tenants.Select((own, n) => new StressClient(move, n + 1, own, travelling, random.Next()))],
            before
        );
    }

    /// <summary>Transactions of acme that the guard turned away.</summary>
    public int TurnedAway => writers.Sum(writer => writer.TurnedAway);

    /// <summary>Lets them write until each has committed some transactions more.</summary>
    public async Task ResumeAsync(int transactions = 20)
    {
        var goals = writers.Select(writer => writer.Acknowledged + transactions).ToArray();
        await Waiting.UntilAsync(
            () =>
            {
                ThrowFaults();
                return writers.Zip(goals).All(pair => pair.First.Acknowledged >= pair.Second);
            },
            () => "The writers stand still: " + string.Join("; ", writers.Select(writer => writer.ToString()))
        );
    }

    /// <summary>Stops the writers and compares what they were told with what stands there.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await running;
        ThrowFaults();
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join("\n", writers.Select(writer => writer.ToString())));

        var expected = Counted(before.Where(line => !line.StartsWith("hot ", StringComparison.Ordinal)));
        foreach (var line in writers.SelectMany(writer => writer.ExpectedState.Lines()))
            expected[line] = expected.GetValueOrDefault(line) + 1;
        foreach (var tenant in (int[])[TenantMove.Acme, TenantMove.Bolt])
            expected[$"hot {tenant}: {writers.Sum(writer => writer.ExpectedState.Hot(tenant))}"] = 1;
        var found = Counted(await FoundAsync(move));

        var lost = expected
            .Where(pair => found.GetValueOrDefault(pair.Key) < pair.Value)
            .Select(pair => $"- {found.GetValueOrDefault(pair.Key)} instead of {pair.Value}: {Short(pair.Key)}")
            .ToArray();
        var surplus = found
            .Where(pair => expected.GetValueOrDefault(pair.Key) < pair.Value)
            .Select(pair => $"+ {pair.Value} instead of {expected.GetValueOrDefault(pair.Key)}: {Short(pair.Key)}")
            .ToArray();
        Assert.True(
            lost.Length + surplus.Length == 0,
            $"{lost.Length} rows that were acknowledged are not there, {surplus.Length} are there that are not known:\n"
                + string.Join('\n', [.. lost.Order().Take(Most), .. surplus.Order().Take(Most)])
        );
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }

    void ThrowFaults()
    {
        if (writers.SelectMany(writer => writer.Faults).ToArray() is { Length: > 0 } faults)
            Assert.Fail(string.Join('\n', faults));
    }

    // Acme's rows from the database that owns it, bolt's from the shared one. What stayed behind of acme is nobody's.
    static async Task<IReadOnlyList<string>> FoundAsync(TenantMove move)
    {
        var rows = await move.Shared.QueryAsync<(int Tenant, string Line)>(Rows);
        if (await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1") == "shared")
            return [.. rows.Select(row => row.Line)];
        var moved = await move.Isolated.QueryAsync<(int Tenant, string Line)>(Rows);
        return [.. rows.Where(row => row.Tenant != TenantMove.Acme).Concat(moved).Select(row => row.Line)];
    }

    static Dictionary<string, int> Counted(IEnumerable<string> lines) =>
        lines.GroupBy(line => line).ToDictionary(group => group.Key, group => group.Count());

    // The hash tells apart what begins alike.
    static string Short(string line) =>
        line.Length <= 240
            ? line
            : $"{line[..150]}…{line[^60..]} ({line.Length} characters, "
                + $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)))[..12]})";

    // A child without its parent belongs to tenant 0: it would be a difference.
    const string Rows = """
        SELECT tenant_id::int, 'projects ' || t::text FROM projects t
        UNION ALL SELECT tenant_id, 'tasks ' || t::text FROM tasks t
        UNION ALL SELECT coalesce(k.tenant_id, 0), 'comments ' || t::text
            FROM comments t LEFT JOIN tasks k ON k.id = t.task_id
        UNION ALL SELECT coalesce(k.tenant_id, 0), 'reactions ' || t::text
            FROM reactions t LEFT JOIN comments c ON c.id = t.comment_id LEFT JOIN tasks k ON k.id = c.task_id
        UNION ALL SELECT tenant_id, 'counters ' || t::text FROM counters t WHERE n > 0
        UNION ALL SELECT tenant_id, 'hot ' || tenant_id || ': ' || value FROM counters WHERE n = 0
        UNION ALL SELECT tenant_id, 'events ' || t::text FROM events t
        UNION ALL SELECT tenant_id, 'badges ' || t::text FROM badges t
        UNION ALL SELECT tenant_id, 'notes ' || t::text FROM notes t
        UNION ALL SELECT tenant_id, 'history ' || tenant_id || ' ' || what FROM history
        """;

    /// <summary>Tables of every kind, and rows that no writer touches.</summary>
    public const string Schema = """
        CREATE TABLE projects (
            id uuid PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, slug text NOT NULL, name text NOT NULL,
            document text,
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE (tenant_id, slug));
        ALTER TABLE projects ALTER document SET STORAGE EXTERNAL;
        CREATE TABLE tasks (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            project_id uuid NOT NULL REFERENCES projects ON UPDATE CASCADE, parent_id bigint REFERENCES tasks,
            title text NOT NULL, length integer GENERATED ALWAYS AS (length(title)) STORED, body text,
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp());
        ALTER TABLE tasks ALTER body SET STORAGE EXTERNAL;
        CREATE INDEX ON tasks (tenant_id);
        CREATE INDEX ON tasks (project_id);
        CREATE INDEX ON tasks (parent_id);
        CREATE TABLE comments (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            task_id bigint NOT NULL REFERENCES tasks ON DELETE CASCADE, body text NOT NULL);
        CREATE INDEX ON comments (task_id);
        CREATE TABLE reactions (
            id uuid PRIMARY KEY, comment_id bigint NOT NULL REFERENCES comments ON DELETE CASCADE, kind text NOT NULL);
        CREATE INDEX ON reactions (comment_id);
        CREATE TABLE counters (
            tenant_id bigint NOT NULL REFERENCES tenants, n integer NOT NULL, value bigint NOT NULL,
            PRIMARY KEY (tenant_id, n));
        CREATE TABLE events (
            id uuid NOT NULL, tenant_id bigint NOT NULL, at date NOT NULL, body text, PRIMARY KEY (id, at)
        ) PARTITION BY RANGE (at);
        CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE TABLE events_other PARTITION OF events DEFAULT;
        CREATE TABLE badges (id uuid PRIMARY KEY, tenant_id bigint NOT NULL, label text NOT NULL, picture text);
        ALTER TABLE badges ALTER picture SET STORAGE EXTERNAL;
        ALTER TABLE badges REPLICA IDENTITY FULL;
        CREATE TABLE notes (tenant_id bigint NOT NULL, token text NOT NULL, body text);
        CREATE TABLE history (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL, what text NOT NULL);

        INSERT INTO counters SELECT id, 0, 0 FROM tenants;
        INSERT INTO projects SELECT md5(t.id || ' ' || n)::uuid, t.id, 'old-' || n, 'Project ' || n,
            CASE n % 3 WHEN 0 THEN repeat(md5(n::text), 300) END FROM tenants t, generate_series(1, 40) n;
        INSERT INTO tasks (tenant_id, project_id, title) SELECT t.id, md5(t.id || ' ' || 1 + n % 40)::uuid, 'Task ' || n
            FROM tenants t, generate_series(1, 5000) n;
        INSERT INTO comments (task_id, body) SELECT id, repeat('words ', 10) || n FROM tasks, generate_series(1, 2) n;
        INSERT INTO reactions SELECT md5(id::text)::uuid, id, 'like' FROM comments WHERE id % 3 = 0;
        INSERT INTO events SELECT md5(t.id || ' ' || n)::uuid, t.id, date '2024-01-01' + n % 900, 'Event ' || n
            FROM tenants t, generate_series(1, 3000) n;
        INSERT INTO notes SELECT id, 'old', 'Note ' || n % 20 FROM tenants, generate_series(1, 60) n;

        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
        CREATE TRIGGER stamp BEFORE UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION stamp();
        CREATE TRIGGER stamp BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION stamp();
        CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                of record := coalesce(NEW, OLD);
            BEGIN
                INSERT INTO public.history (tenant_id, what)
                VALUES (of.tenant_id, TG_OP || ' ' || TG_TABLE_NAME || ' ' || (to_jsonb(of) ->> TG_ARGV[0]));
                RETURN NULL;
            END $$;
        CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON projects FOR EACH ROW EXECUTE FUNCTION record('id');
        CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION record('id');
        CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON counters FOR EACH ROW EXECUTE FUNCTION record('n');

        ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON projects
            USING (tenant_id = NULLIF(current_setting('app.current_tenant_id', true), '')::bigint);
        ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON tasks
            USING (tenant_id = NULLIF(current_setting('app.current_tenant_id', true), '')::bigint);
        GRANT SELECT ON tenants TO application_role;
        GRANT SELECT, INSERT, UPDATE, DELETE ON projects, tasks, comments, reactions, counters, events, badges, notes,
            history TO application_role;
        ANALYZE;
        """;
}
