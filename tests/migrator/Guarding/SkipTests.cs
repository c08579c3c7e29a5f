using Dapper;
using Migrator.Embedded;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Tests.Scope;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Guarding;

/// <summary>A session that asks for it leaves rows of tenants who have moved alone, and no other row.</summary>
public sealed class SkipTests(Servers servers)
{
    const string Refused = PostgresErrorCodes.ReadOnlySqlTransaction;

    // Even numbers are of tenant 1, who moves.
    const string Schema = """
        CREATE TABLE kinds (id int PRIMARY KEY);
        CREATE TABLE jobs (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, status text NOT NULL,
            kind int REFERENCES kinds ON DELETE CASCADE);
        CREATE TABLE steps (id int PRIMARY KEY, job_id int NOT NULL REFERENCES jobs, status text NOT NULL);
        CREATE TABLE parts (id int PRIMARY KEY, tenant_id bigint NOT NULL, status text NOT NULL) PARTITION BY RANGE (id);
        CREATE TABLE parts_all PARTITION OF parts DEFAULT;
        INSERT INTO parts SELECT n, 2 - (n + 1) % 2, 'new' FROM generate_series(1, 10) n;
        INSERT INTO kinds VALUES (1);
        INSERT INTO jobs SELECT n, 2 - (n + 1) % 2, 'new', 1 FROM generate_series(1, 10) n;
        INSERT INTO steps SELECT id, id, 'new' FROM jobs;
        """;

    [Fact]
    public async Task A_job_over_all_tenants_passes_by_the_rows_of_one_that_has_moved()
    {
        await using var move = await CreateAsync();
        Assert.Contains(
            (await move.PreflightAsync()).Warnings,
            warning => warning.StartsWith("These tables look like queues: public.jobs.", StringComparison.Ordinal)
        );
        await move.PromoteAsync(validate: false);
        await using var job = await move.Shared.OpenAsync();
        Assert.Equal(Refused, await StateAsync(job, "UPDATE jobs SET status = 'done'"));

        await job.ExecuteAsync("SET tenant_promotion.moved = 'skip'");

        Assert.Equal([1, 3, 5, 7, 9], await IdsAsync(job, "UPDATE jobs SET status = 'done' RETURNING id"));
        Assert.Equal([1, 3, 5, 7, 9], await IdsAsync(job, "UPDATE steps SET status = 'done' RETURNING id"));
        Assert.Equal([2], await IdsAsync(job, "UPDATE tenants SET plan = 'other' RETURNING id"));
        Assert.Empty(await IdsAsync(job, "UPDATE jobs SET tenant_id = 2 WHERE tenant_id = 1 RETURNING id"));
        Assert.Empty(await IdsAsync(job, "UPDATE steps SET job_id = 1 WHERE id = 2 RETURNING id"));
        Assert.Equal([101], await IdsAsync(job, "INSERT INTO jobs VALUES (101, 2, 'done') RETURNING id"));
        Assert.Equal([1, 3, 5, 7, 9], await IdsAsync(job, "DELETE FROM steps RETURNING id"));
        Assert.Equal([1, 3, 5, 7, 9, 101], await IdsAsync(job, "DELETE FROM jobs RETURNING id"));
        Assert.Equal(
            ["2 1 new 2 new", "4 1 new 4 new", "6 1 new 6 new", "8 1 new 8 new", "10 1 new 10 new"],
            await move.Shared.QueryAsync<string>(
                """
                SELECT concat_ws(' ', j.id, tenant_id, j.status, s.id, s.status)
                FROM jobs j JOIN steps s ON s.job_id = j.id ORDER BY j.id
                """
            )
        );
        await job.ExecuteAsync("RESET tenant_promotion.moved");
        Assert.Equal(Refused, await StateAsync(job, "DELETE FROM jobs"));
    }

    // Somebody waits for a new row; and a row that another tenant has is not to stay behind without a word.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_new_and_what_others_have_is_refused_and_not_passed_by(bool finalized)
    {
        await using var move = await CreateAsync();
        await move.PromoteAsync(validate: false);
        if (finalized)
            await move.FinalizeAsync();
        await using var job = await move.Shared.OpenAsync();
        await job.ExecuteAsync("SET tenant_promotion.moved = 'skip'");
        List<string> writes =
        [
            "INSERT INTO jobs VALUES (100, 1, 'new')",
            "INSERT INTO jobs VALUES (100, 2, 'new'), (102, 1, 'new')",
            "UPDATE jobs SET tenant_id = 1 WHERE tenant_id = 2",
        ];
        if (!finalized)
            writes.AddRange(
                "INSERT INTO jobs VALUES (2, 1, 'x') ON CONFLICT (id) DO UPDATE SET status = 'x'",
                "INSERT INTO steps VALUES (100, 2, 'new')",
                "UPDATE steps SET job_id = 2 WHERE id = 1",
                // The foreign key's own statement: what it passes by would name a row that is gone.
                "DELETE FROM kinds"
            );
        foreach (var write in writes)
            Assert.Equal((write, Refused), (write, await StateAsync(job, write)));
        // The tenant's own row stays.
        Assert.Equal([2], await IdsAsync(job, "UPDATE tenants SET plan = 'other' RETURNING id"));
        Assert.Empty(await IdsAsync(job, "DELETE FROM tenants WHERE id = 1 RETURNING id"));
    }

    // What tenant 2 inserts would vanish.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_row_that_an_insert_of_another_tenant_meets_is_refused(bool finalized)
    {
        await using var move = await CreateAsync();
        await move.PromoteAsync(validate: false);
        if (finalized)
            await move.FinalizeAsync();
        await using var job = await move.Shared.OpenAsync();
        await job.ExecuteAsync("SET tenant_promotion.moved = 'skip'; BEGIN");
        List<string> inserts =
        [
            $"INSERT INTO tenants VALUES (3, '{move.Slug}') ON CONFLICT (slug) DO UPDATE SET plan = excluded.plan",
        ];
        if (!finalized)
        {
            inserts.AddRange(
                "INSERT INTO jobs VALUES (2, 2, 'x') ON CONFLICT (id) DO UPDATE SET status = excluded.status",
                "INSERT INTO jobs VALUES (2, 2, 'x') ON CONFLICT (id) DO UPDATE SET tenant_id = excluded.tenant_id",
                "INSERT INTO steps VALUES (2, 1, 'x') ON CONFLICT (id) DO UPDATE SET job_id = excluded.job_id",
                "INSERT INTO parts VALUES (2, 2, 'x') ON CONFLICT (id) DO UPDATE SET status = excluded.status",
                "INSERT INTO parts_all VALUES (2, 2, 'x') ON CONFLICT (id) DO UPDATE SET status = excluded.status"
            );
            if (job.PostgreSqlVersion.Major >= 15)
                inserts.Add(
                    """
                    MERGE INTO jobs j USING (VALUES (2, 2)) n (id, tenant_id) ON j.id = n.id
                    WHEN MATCHED THEN UPDATE SET status = 'x' WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.tenant_id, 'x')
                    """
                );
        }

        foreach (var insert in inserts)
        {
            await job.ExecuteAsync("SAVEPOINT before");
            Assert.Equal((insert, Refused), (insert, await StateAsync(job, insert)));
            await job.ExecuteAsync("ROLLBACK TO before");
        }

        // What is done before, beside and after an INSERT is left alone as ever.
        Assert.Equal([2], await IdsAsync(job, "UPDATE tenants SET plan = 'other' RETURNING id"));
        Assert.Equal(
            [1, 3, 5, 7, 9],
            await IdsAsync(
                job,
                """
                WITH done AS (UPDATE jobs SET status = 'done' RETURNING id)
                INSERT INTO parts SELECT id + 100, 2, 'x' FROM done RETURNING id - 100
                """
            )
        );
        Assert.Equal(
            [1],
            await IdsAsync(
                job,
                "INSERT INTO jobs VALUES (1, 2, 'x') ON CONFLICT (id) DO UPDATE SET status = 'x' RETURNING id"
            )
        );
        Assert.Equal([1, 3, 5, 7, 9], await IdsAsync(job, "UPDATE jobs SET status = 'done' RETURNING id"));
    }

    [Fact]
    public async Task Rows_of_a_tenant_under_way_are_written_or_refused()
    {
        await using var move = await CreateAsync();
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        await using var job = await move.Shared.OpenAsync();
        await job.ExecuteAsync("SET tenant_promotion.moved = 'skip'");
        Assert.Equal(10, (await IdsAsync(job, "UPDATE jobs SET status = 'done' RETURNING id")).Count);

        // As a run that is at work closes it.
        await using var run = await move.Shared.OpenAsync();
        await using var closing = await run.BeginTransactionAsync();
        await run.ExecuteAsync($"LOCK TABLE tenant_promotion.\"{WriteGuard.PrefixOf("1")}_run\" IN EXCLUSIVE MODE");
        await move.Shared.ExecuteAsync(
            """
            UPDATE tenant_promotion.guard SET state = 'closed';
            SELECT setval(oid, 2) FROM pg_class WHERE relname LIKE '%\_attention'
            """
        );

        foreach (var write in (string[])["UPDATE jobs SET status = 'x'", "DELETE FROM steps", "DELETE FROM tenants"])
            Assert.Equal((write, Refused), (write, await StateAsync(job, write)));
    }

    [Fact]
    public async Task Whoever_saw_the_tenant_away_does_not_pass_by_rows_that_are_home()
    {
        await using var move = await CreateAsync();
        await move.PromoteAsync(validate: false);
        await using var job = await move.Shared.OpenAsync();
        await job.ExecuteAsync("SET tenant_promotion.moved = 'skip'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
        // As the flip home leaves it.
        await move.Shared.ExecuteAsync("UPDATE tenant_promotion.guard SET state = 'open'");

        Assert.Equal(PostgresErrorCodes.SerializationFailure, await StateAsync(job, "UPDATE jobs SET status = 'x'"));
    }

    [Fact]
    public async Task The_migrator_passes_by_nothing_whatever_its_database_says()
    {
        await using var move = await CreateAsync();
        await move.Shared.ExecuteAsync(
            $"ALTER DATABASE {move.Shared.Name} SET tenant_promotion.moved = 'skip'",
            role: EmbeddedCluster.Superuser
        );
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("UPDATE jobs SET status = 'there'");
        await move.RollBackAsync();
        const string there = "SELECT count(*) FROM jobs WHERE tenant_id = 1 AND status = 'there'";
        Assert.Equal(5, await move.Shared.ScalarAsync<long>(there));
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        Assert.Equal(0, await move.Shared.ScalarAsync<long>(there));
    }

    Task<TenantMove> CreateAsync() =>
        TenantMove.CreateAsync(servers, Schema, tenancy: ScopePattern.Parse("""{"reference": ["public.kinds"]}"""));

    static async Task<IReadOnlyList<int>> IdsAsync(NpgsqlConnection session, string write) =>
        [.. (await session.QueryAsync<int>(write)).Order()];

    static async Task<string> StateAsync(NpgsqlConnection session, string write) =>
        (await Assert.ThrowsAsync<PostgresException>(() => session.ExecuteAsync(write))).SqlState;
}
