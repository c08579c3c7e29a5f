using Migrator.Scope;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>What others own in a table costs nothing.</summary>
public sealed class ShareOfALargeTableTests(Servers servers)
{
    [Fact]
    public async Task A_tenant_with_one_percent_of_a_large_table_is_moved_without_reading_the_rest()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE events (
                id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, payload text NOT NULL);
            INSERT INTO events SELECT n, CASE WHEN n <= 3000 THEN 1 ELSE 2 END, repeat('x', 100)
                FROM generate_series(1, 300000) n;
            CREATE INDEX ON events (tenant_id);
            """
        );
        await move.Shared.ExecuteAsync("VACUUM (ANALYZE) events");
        var before = await CountersAsync(move.Shared);

        await move.PromoteAsync();

        var after = await CountersAsync(move.Shared);
        Assert.Equal(3000, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM events"));
        Assert.Equal(before.Scanned, after.Scanned);
        // Copy, digests of verification and validation, baseline: each reads the tenant's blocks, a hundredth of the
        // table's.
        Assert.True(
            after.Blocks - before.Blocks < before.Size / 5,
            $"{after.Blocks - before.Blocks} blocks of {before.Size} were read"
        );
    }

    // A tenant with one row of a hundred, in tables that hang on others in every way.
    const string Ways = """
        CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE photos (id int PRIMARY KEY, tenant_id bigint NOT NULL, payload jsonb, blob_id int);
        CREATE TABLE blobs (id int PRIMARY KEY);
        CREATE TABLE users (id int PRIMARY KEY);
        CREATE TABLE attachments (id int, part int, task_id int REFERENCES tasks, photo_id int REFERENCES photos, org_id bigint,
            user_id int, PRIMARY KEY (id, part));
        CREATE TABLE lines (id int PRIMARY KEY, attachment_id int, part int, FOREIGN KEY (attachment_id, part) REFERENCES attachments);
        CREATE TABLE comments (id int PRIMARY KEY, subject_type text NOT NULL, subject_id int NOT NULL, user_id int);
        CREATE TABLE jobs (id int PRIMARY KEY, payload jsonb);
        CREATE TABLE events (id int PRIMARY KEY, task text NOT NULL);
        INSERT INTO tasks SELECT n, CASE WHEN n <= 300 THEN 1 ELSE 2 END FROM generate_series(1, 30000) n;
        INSERT INTO photos SELECT id, tenant_id, '{}', id FROM tasks; INSERT INTO blobs SELECT id FROM tasks;
        INSERT INTO users SELECT id FROM tasks;
        INSERT INTO attachments SELECT id, 1, CASE WHEN id % 3 = 0 THEN id END, CASE WHEN id % 3 = 1 THEN id END,
            CASE WHEN id % 3 = 2 THEN tenant_id END, id FROM tasks;
        INSERT INTO lines SELECT id, id, 1 FROM attachments;
        INSERT INTO comments SELECT id, CASE id % 2 WHEN 0 THEN 'Task' ELSE 'Photo' END, id, id FROM tasks;
        INSERT INTO jobs SELECT id, jsonb_build_object('tenant', tenant_id) FROM tasks;
        INSERT INTO events SELECT id, 'task ' || id FROM tasks;
        -- Rows as wide as usual: of a small table PostgreSQL rather reads all.
        DO $$
        DECLARE name text;
        BEGIN
            FOREACH name IN ARRAY ARRAY['tasks', 'photos', 'blobs', 'users', 'attachments', 'lines', 'comments', 'jobs', 'events'] LOOP
                EXECUTE format('ALTER TABLE %I ADD body text; UPDATE %I SET body = repeat(''x'', 1000)', name, name);
            END LOOP;
        END $$;
        CREATE INDEX ON tasks (tenant_id); CREATE INDEX ON photos (tenant_id); CREATE INDEX ON photos (blob_id);
        CREATE INDEX ON attachments (task_id); CREATE INDEX ON attachments (photo_id); CREATE INDEX ON attachments (org_id);
        CREATE INDEX ON lines (attachment_id, part); CREATE INDEX ON comments (subject_id, subject_type);
        CREATE INDEX ON attachments (user_id); CREATE INDEX ON comments (user_id);
        CREATE INDEX ON jobs (((payload ->> 'tenant')::bigint)); CREATE INDEX ON events (task);
        """;

    const string Rules = """
        { "tables": {
            "public.attachments": {
              "any_of": [{ "belongs_to": "public.tasks" }, { "belongs_to": "public.photos" }, { "tenant": "org_id" }] },
            "public.lines": { "belongs_to": "public.attachments" },
            "public.comments": { "by_type": {
              "type": "subject_type", "id": "subject_id", "to": { "Task": "public.tasks", "Photo": "public.photos" } } },
            "public.blobs": { "named_by": ["public.photos.blob_id"] },
            "public.users": { "shared_through": ["public.attachments.user_id", "public.comments.user_id"] },
            "public.jobs": { "where": "(payload ->> 'tenant')::bigint = :tenant" },
            "public.events": { "where": "task IN (SELECT 'task ' || t.id FROM public.tasks t)" }
        } }
        """;

    [Theory]
    [SoakData("tasks", 300)]
    [SoakData("attachments", 300)]
    [SoakData("lines", 300)]
    [InlineData("comments", 300)]
    [SoakData("blobs", 300)]
    [SoakData("users", 300)]
    [SoakData("jobs", 300)]
    [InlineData("events", 300)]
    public async Task No_way_in_which_rows_are_the_tenants_reads_all_rows(string table, int rows)
    {
        var tenancy = ScopePattern.Parse(Rules);
        await using var move = await TenantMove.CreateAsync(servers, Ways, tenancy: tenancy);
        await move.Shared.ExecuteAsync("VACUUM (FULL, ANALYZE)");
        await using var shared = await move.Shared.OpenAsync();
        var catalog = await Catalog.ReadAsync(shared, TestContext.Current.CancellationToken);
        var scope = TenantScope.Classify(catalog, tenancy);
        var scoped = scope[new("public", table)];
        var all = $"FROM {scoped.Table.From} t WHERE {scope.CopiedOfAll(scoped, new("1", ""))}";

        Assert.Equal(rows, await move.Shared.ScalarAsync<long>($"SELECT count(*) {all}"));
        Assert.Equal(
            await move.Shared.QueryAsync<string>($"SELECT t::text {all} ORDER BY 1"),
            await move.Shared.QueryAsync<string>(
                $"SELECT t::text FROM {scoped.Table.From} t WHERE {scope.Copied(scoped, "t", new("1", ""))} ORDER BY 1"
            )
        );
        Assert.DoesNotContain(
            await move.Shared.QueryAsync<string>($"EXPLAIN SELECT * {all}"),
            line => line.Contains("Seq Scan", StringComparison.Ordinal)
        );
    }

    static async Task<(long Scanned, long Blocks, long Size)> CountersAsync(TestDatabase database)
    {
        // What a session has counted is seen by others when it ends at the latest.
        Npgsql.NpgsqlConnection.ClearPool(new(database.ConnectionString()));
        await Waiting.UntilAsync(
            database,
            """
            SELECT NOT EXISTS (
                SELECT FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid())
            """
        );
        return (
            await database.ScalarAsync<long>("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'events'"),
            await database.ScalarAsync<long>(
                "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'events'"
            ),
            await database.ScalarAsync<long>("SELECT pg_relation_size('events') / 8192")
        );
    }
}
