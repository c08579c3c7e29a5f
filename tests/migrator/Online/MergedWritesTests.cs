using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>A stream in either direction: many rows a statement where nothing can tell, otherwise as they were written.</summary>
public sealed class MergedWritesTests(Servers servers)
{
    const int Rows = 640;

    const string Notes = """
        CREATE TABLE notes (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, n int NOT NULL DEFAULT 1);
        """;

    [Fact]
    public async Task Rows_come_home_many_a_statement()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(
            $"""
            DO $$
            BEGIN
                FOR id IN 1..{Rows} LOOP
                    INSERT INTO notes VALUES (id, 1);
                END LOOP;
            END $$
            """
        );

        await move.RollBackAsync();

        var statements = await move.Shared.QueryAsync<long>(
            "SELECT count(*) FROM notes GROUP BY CAST(xmin AS text), CAST(cmin AS text)",
            role: EmbeddedCluster.Superuser
        );
        Assert.Equal(Rows, statements.Sum());
        Assert.InRange(statements.Count, 1, Rows / 8);
    }

    // Each row takes the code of one that has gone, in the same transaction or in a later one.
    const string Codes = """
        CREATE TABLE codes (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, code int NOT NULL UNIQUE);
        """;

    static string Exchanged { get; } =
        $"""
            DO $$
            BEGIN
                FOR n IN 1..{Rows} LOOP
                    DELETE FROM codes WHERE id = n;
                    INSERT INTO codes VALUES ({Rows} + n, 1, n);
                    CONTINUE WHEN n % 160 > 0;
                    DELETE FROM codes WHERE id = {Rows} + n;
                    INSERT INTO codes VALUES (2 * {Rows} + n, 1, n);
                END LOOP;
            END $$
            """;

    [Fact]
    public async Task Rows_that_come_and_go_by_turns_come_home_many_a_statement()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"{Codes} INSERT INTO codes SELECT id, 1, id FROM generate_series(1, {Rows}) id"
        );
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(Exchanged);

        await move.RollBackAsync();

        var statements = await move.Shared.QueryAsync<long>(
            "SELECT count(*) FROM codes GROUP BY CAST(xmin AS text), CAST(cmin AS text)",
            role: EmbeddedCluster.Superuser
        );
        Assert.Equal(Rows, statements.Sum());
        Assert.InRange(statements.Count, 1, Rows / 8);
        Assert.False(move.Watched.HasWarned("compares all rows instead"));
    }

    [Fact]
    public async Task A_value_that_a_row_frees_is_taken_by_the_next_one()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"{Codes} INSERT INTO codes SELECT id, 1, id FROM generate_series(1, {Rows}) id"
        );

        await move.PromoteMeddledAsync(PhaseName.CutOver, () => move.Shared.ExecuteAsync(Exchanged));

        const string rows = "SELECT id || ' ' || code FROM codes ORDER BY id";
        Assert.Equal(await move.Shared.QueryAsync<string>(rows), await move.Isolated.QueryAsync<string>(rows));
    }

    // Merged, the second use would come before its limit.
    [Fact]
    public async Task A_check_that_reads_another_table_sees_its_row()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE limits (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
            CREATE FUNCTION has_limit(limit_id bigint) RETURNS boolean LANGUAGE sql STABLE
                RETURN limit_id IS NULL OR EXISTS (SELECT FROM public.limits WHERE id = limit_id);
            CREATE TABLE uses (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
                limit_id bigint);
            ALTER TABLE uses ADD CHECK (public.has_limit(limit_id)) NOT VALID;
            """
        );
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(
            """
            INSERT INTO uses VALUES (1, 1, NULL);
            INSERT INTO limits VALUES (1, 1);
            INSERT INTO uses VALUES (2, 1, 1)
            """
        );

        await move.RollBackAsync();

        Assert.Equal(2, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM uses"));
        Assert.False(move.Watched.HasWarned("compares all rows instead"));
    }

    // The source checks a foreign key at the end of the statement, however many parts it comes home in.
    [Fact]
    public async Task A_statement_may_write_a_row_before_the_one_that_it_names()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE parts (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
                whole bigint REFERENCES parts);
            """
        );
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(
            $"INSERT INTO parts SELECT id, 1, nullif(id + 1, {Rows} + 1) FROM generate_series(1, {Rows}) id"
        );

        await move.RollBackAsync();

        Assert.Equal(Rows, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM parts"));
        Assert.False(move.Watched.HasWarned("compares all rows instead"));
    }
}
