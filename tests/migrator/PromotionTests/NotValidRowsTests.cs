using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// Rows that were there before a constraint NOT VALID, and do not satisfy it: they go along, change meanwhile where they
/// may, and come home, also after finalize has deleted them. The constraints are as before, for everybody else.
/// </summary>
public sealed class NotValidRowsTests(Servers servers)
{
    const string Schema = """
        CREATE DOMAIN address AS text;
        CREATE DOMAIN mailbox AS address;
        CREATE TABLE people (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, mail mailbox, others address[], n int);
        CREATE TABLE stock (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, qty int, shelf int, n int DEFAULT 0);
        CREATE TABLE shelves (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        CREATE TABLE lines (id int PRIMARY KEY, stock_id int NOT NULL REFERENCES stock ON DELETE CASCADE, size int);
        CREATE TABLE events (id int, tenant_id bigint NOT NULL, at int NOT NULL, size int, PRIMARY KEY (id, at))
            PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
        CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);
        CREATE TABLE papers (id int PRIMARY KEY, tenant_id bigint NOT NULL, size int);
        CREATE TABLE papers_old (PRIMARY KEY (id)) INHERITS (papers);
        CREATE TABLE notes (tenant_id bigint NOT NULL, size int);
        INSERT INTO notes SELECT 1 + n % 2, n - 10 FROM generate_series(1, 20) n;
        INSERT INTO people SELECT n, 1 + n % 2, 'broken' || n, '{worse}', 0 FROM generate_series(1, 20) n;
        INSERT INTO stock (id, tenant_id, qty, shelf) SELECT n, 1 + n % 2, n - 10, n FROM generate_series(1, 20) n;
        INSERT INTO shelves SELECT n, 1 + n % 2 FROM generate_series(11, 20) n;
        INSERT INTO lines SELECT n, n, n - 10 FROM generate_series(1, 20) n;
        INSERT INTO events SELECT n, 1 + n % 2, n % 20, n - 10 FROM generate_series(1, 40) n;
        INSERT INTO papers SELECT n, 1 + n % 2, n - 10 FROM generate_series(1, 20) n;
        INSERT INTO papers_old SELECT n, 1 + n % 2, n - 30 FROM generate_series(21, 40) n;
        ALTER DOMAIN address ADD CONSTRAINT at_sign CHECK (VALUE LIKE '%@%') NOT VALID;
        ALTER DOMAIN mailbox ADD CONSTRAINT short CHECK (length(VALUE) < 6) NOT VALID;
        ALTER TABLE stock ADD CONSTRAINT in_stock CHECK (qty > 0) NOT VALID,
            ADD CONSTRAINT placed FOREIGN KEY (shelf) REFERENCES shelves ON UPDATE CASCADE NOT VALID;
        ALTER TABLE lines ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;
        ALTER TABLE events_2 ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;
        ALTER TABLE events_2 ADD CONSTRAINT own CHECK (size <> 5) NOT VALID;
        ALTER TABLE events ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;
        ALTER TABLE papers ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;
        ALTER TABLE notes ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;
        COMMENT ON CONSTRAINT in_stock ON stock IS 'there is some';
        COMMENT ON CONSTRAINT short ON DOMAIN mailbox IS 'not long';
        """;

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task They_go_and_come_home_and_come_home_again_after_finalize(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        move.Mode = mode;
        await using var before = await Snapshot.OfAsync(move.Shared);

        await move.PromoteAsync(validate: false);
        Assert.Equal(await ConstraintsAsync(move.Shared), await ConstraintsAsync(move.Isolated));
        await move.Isolated.ExecuteAsync("UPDATE people SET n = 1; UPDATE stock SET n = 1 WHERE qty > 0");
        await move.RollBackAsync();
        await AssertHomeAsync(move, before);
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM people WHERE n = 1"));

        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM stock WHERE tenant_id = 1"));
        await move.RollBackAsync();
        await AssertHomeAsync(move, before);
    }

    [Theory]
    [InlineData(PhaseName.CatchUp)]
    [SoakData(PhaseName.Verify)]
    [InlineData(PhaseName.CutOver)]
    public async Task They_change_on_their_way(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);

        await move.PromoteMeddledAsync(
            phase,
            () =>
                move.Shared.ExecuteAsync(
                    """
                    UPDATE people SET n = n + 1;
                    UPDATE stock SET tenant_id = 1 WHERE id = 19;
                    UPDATE stock SET tenant_id = 2, shelf = 13 WHERE id = 16;
                    """
                )
        );

        Assert.Equal(await ConstraintsAsync(move.Shared), await ConstraintsAsync(move.Isolated));
        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM people WHERE n = 1"));
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            move.Isolated.ExecuteAsync("UPDATE stock SET n = 2 WHERE qty < 0")
        );
        Assert.Equal("in_stock", refused.ConstraintName);
    }

    static async Task AssertHomeAsync(TenantMove move, Snapshot before)
    {
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(RowsOfAcme));
        Assert.Empty(await before.SchemaChangesAsync());
    }

    static IReadOnlyList<TableRows> RowsOfAcme =>
        [
            .. ((string[])["people", "stock", "shelves", "events", "papers", "notes"]).Select(table => new TableRows(
                $"public.{table}",
                "tenant_id = 1"
            )),
            new("public.papers_old", "tenant_id = 1"),
            new("public.lines", "stock_id IN (SELECT id FROM public.stock WHERE tenant_id = 1)"),
            new("public.tenants", "id = 1"),
        ];

    static Task<IReadOnlyList<string>> ConstraintsAsync(TestDatabase database) =>
        database.QueryAsync<string>(
            """
            SELECT concat_ws(' ', conrelid::regclass, contypid::regtype, conname, convalidated, conislocal, coninhcount,
                             pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'))
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1
            """
        );
}
