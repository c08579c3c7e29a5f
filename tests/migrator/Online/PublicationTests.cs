using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>
/// Tables of every replica identity, transactions of any size: nothing that the application does fails because a stream
/// follows it.
/// </summary>
[EveryVersion]
public sealed class PublicationTests(Servers servers)
{
    [Fact]
    public async Task No_write_fails_for_the_publication_and_each_arrives()
    {
        var rows = string.Concat(
            Tables.Select(table =>
                $"INSERT INTO {table} (id, tenant_id, body) "
                + "SELECT n, 1 + n % 2, 'row ' || n FROM generate_series(1, 40) n;\n"
            )
        );
        await using var move = await TenantMove.CreateAsync(servers, Schema + rows, servers.Dedicated);

        await move.PromoteMeddledAsync(
            PhaseName.CutOver,
            async () =>
            {
                foreach (var table in Tables)
                    await move.Shared.ExecuteAsync(
                        $"""
                        UPDATE {table} SET body = body || '!' WHERE id % 4 < 2;
                        DELETE FROM {table} WHERE id IN (6, 7);
                        INSERT INTO {table} (id, tenant_id, body) VALUES (100, 1, 'new'), (101, 2, 'new')
                        """,
                        role: SampleDatabase.Application
                    );
            }
        );

        foreach (var table in Tables)
            Assert.Equal(
                await move.Shared.QueryAsync<string>($"SELECT t::text FROM {table} t WHERE tenant_id = 1 ORDER BY 1"),
                await move.Isolated.QueryAsync<string>($"SELECT t::text FROM {table} t ORDER BY 1")
            );
    }

    [Fact]
    public async Task A_publication_of_all_tables_stops_no_promotion_and_no_way_back()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL, body text);
            CREATE TABLE bare (id int, tenant_id bigint NOT NULL, body text);
            ALTER TABLE bare REPLICA IDENTITY FULL;
            INSERT INTO notes SELECT n, 1 + n % 2, 'row' FROM generate_series(1, 40) n;
            INSERT INTO bare SELECT * FROM notes;
            """
        );
        const string publication = "CREATE PUBLICATION everything FOR ALL TABLES";
        const string writes =
            "UPDATE notes SET body = body || '!' WHERE id % 4 < 2; DELETE FROM notes WHERE id = 7;"
            + "UPDATE bare SET body = body || '!' WHERE id % 4 < 2; DELETE FROM bare WHERE id = 7";
        await move.Shared.ExecuteAsync(publication, role: EmbeddedCluster.Superuser);

        await move.PromoteMeddledAsync(PhaseName.BuildSchema, () => move.Shared.ExecuteAsync(writes));
        await move.Isolated.ExecuteAsync(publication, role: EmbeddedCluster.Superuser);
        await move.Isolated.ExecuteAsync(writes);
        await move.RollBackAsync();
        Assert.Equal(
            2 * 10,
            await move.Shared.ScalarAsync<long>(
                "SELECT count(*) FROM (TABLE notes UNION ALL TABLE bare) t WHERE tenant_id = 1 AND body LIKE '%!!'"
            )
        );

        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM bare WHERE tenant_id = 1"));
    }

    const string ManyChunks = """
        INSERT INTO lines SELECT 100000 + n, 1 + n % 2, 'new' FROM generate_series(1, 30000) n;
        UPDATE lines SET body = body || ' again' WHERE id % 3 = 0;
        DELETE FROM lines WHERE id % 5 = 0
        """;

    [Theory]
    [InlineData(PhaseName.CatchUp)]
    [SoakData(PhaseName.Verify)]
    [SoakData(PhaseName.CutOver)]
    public async Task A_transaction_of_many_chunks_arrives_and_what_everybody_shares_may_be_truncated(string phase)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Large,
            servers.Dedicated,
            new() { Reference = [TableName.Parse("public.kinds")] }
        );

        await move.PromoteMeddledAsync(
            phase,
            async () =>
            {
                await move.Shared.ExecuteAsync(ManyChunks);
                await move.Shared.ExecuteAsync("TRUNCATE kinds; INSERT INTO kinds VALUES (1, 'another'), (9, 'new')");
                var refused = await Assert.ThrowsAsync<PostgresException>(() =>
                    move.Shared.ExecuteAsync("TRUNCATE lines")
                );
                Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);
            }
        );

        Assert.Equal(
            await move.Shared.QueryAsync<string>("SELECT t::text FROM lines t WHERE tenant_id = 1 ORDER BY id"),
            await move.Isolated.QueryAsync<string>("SELECT t::text FROM lines t ORDER BY id")
        );
        Assert.Equal(
            ["(1,another)", "(9,new)"],
            await move.Isolated.QueryAsync<string>("SELECT k::text FROM kinds k ORDER BY id")
        );
    }

    [Theory]
    [SoakData(PhaseName.CopyData)]
    [SoakData(PhaseName.CatchUp)]
    [SoakData(PhaseName.BuildSchema)]
    [InlineData(PhaseName.CutOver)]
    public async Task Rows_without_a_key_stay_out_of_the_way_of_those_that_they_refer_to(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, Referring, servers.Dedicated);

        await move.PromoteMeddledAsync(
            phase,
            () => move.Shared.ExecuteAsync("DELETE FROM visits WHERE line_id < 20; DELETE FROM lines WHERE id < 20")
        );

        foreach (var table in (string[])["lines", "visits"])
            Assert.Equal(
                await move.Shared.QueryAsync<string>($"SELECT t::text FROM {table} t WHERE tenant_id = 1 ORDER BY 1"),
                await move.Isolated.QueryAsync<string>($"SELECT t::text FROM {table} t ORDER BY 1")
            );
    }

    // A change of a partition names its row by the partition's own replica identity, and by none if that index is gone.
    [Theory]
    [InlineData("ALTER TABLE split_1 REPLICA IDENTITY USING INDEX split_1_tenant_id_code_key")]
    [InlineData("DROP INDEX whole_key")]
    public async Task Rows_that_a_change_names_by_another_key_than_the_tables_arrive(string identity)
    {
        await using var move = await TenantMove.CreateAsync(servers, Identified, servers.Dedicated);
        await move.Shared.ExecuteAsync(identity, role: EmbeddedCluster.Superuser);

        await move.PromoteMeddledAsync(
            PhaseName.CatchUp,
            () =>
                move.Shared.ExecuteAsync(
                    """
                    DELETE FROM split WHERE id < 10; UPDATE split SET body = 'changed' WHERE id BETWEEN 10 AND 20;
                    DELETE FROM whole WHERE id < 10; UPDATE whole SET body = 'changed' WHERE id BETWEEN 10 AND 20;
                    """
                )
        );

        foreach (var table in (string[])["split", "whole"])
            Assert.Equal(
                await move.Shared.QueryAsync<string>($"SELECT t::text FROM {table} t WHERE tenant_id = 1 ORDER BY 1"),
                await move.Isolated.QueryAsync<string>($"SELECT t::text FROM {table} t ORDER BY 1")
            );
    }

    static string[] Tables =>
        ["plain", "whole", "indexed", "nothing", "unnamed", "late", "volatile", "split", "derived_value", "shrunk"];

    const string Schema = """
        CREATE TABLE plain (id int PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        CREATE TABLE whole (id int, tenant_id bigint NOT NULL, body text);
        ALTER TABLE whole REPLICA IDENTITY FULL;
        CREATE TABLE indexed (id int NOT NULL, tenant_id bigint NOT NULL, body text);
        CREATE UNIQUE INDEX indexed_key ON indexed (tenant_id, id);
        ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_key;
        CREATE TABLE nothing (id int PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        ALTER TABLE nothing REPLICA IDENTITY NOTHING;
        CREATE TABLE unnamed (id int, tenant_id bigint NOT NULL, body text);
        CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, tenant_id bigint NOT NULL, body text);
        CREATE UNLOGGED TABLE volatile (id int PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        CREATE TABLE split (
            id int, tenant_id bigint NOT NULL, body text, PRIMARY KEY (id, tenant_id)) PARTITION BY LIST (tenant_id);
        CREATE TABLE split_1 PARTITION OF split FOR VALUES IN (1);
        CREATE TABLE split_rest PARTITION OF split DEFAULT;
        ALTER TABLE split_1 REPLICA IDENTITY FULL;
        CREATE TABLE derived_value (
            id int PRIMARY KEY, tenant_id bigint NOT NULL, body text, twice int GENERATED ALWAYS AS (id * 2) STORED);
        CREATE TABLE shrunk (gone int, id int PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        ALTER TABLE shrunk DROP COLUMN gone;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO application_role;
        """;

    const string Identified = """
        CREATE TABLE split (
            id int, tenant_id bigint NOT NULL, code int NOT NULL, body text, PRIMARY KEY (tenant_id, id),
            UNIQUE (tenant_id, code)) PARTITION BY LIST (tenant_id);
        CREATE TABLE split_1 PARTITION OF split FOR VALUES IN (1);
        CREATE TABLE split_rest PARTITION OF split DEFAULT;
        ALTER TABLE split REPLICA IDENTITY USING INDEX split_pkey;
        ALTER TABLE split_1 REPLICA IDENTITY USING INDEX split_1_pkey;
        ALTER TABLE split_rest REPLICA IDENTITY USING INDEX split_rest_pkey;
        INSERT INTO split SELECT n, 1 + n % 2, 100 - n, 'row' FROM generate_series(1, 40) n;
        CREATE TABLE whole (id int PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        CREATE UNIQUE INDEX whole_key ON whole (tenant_id, id);
        ALTER TABLE whole REPLICA IDENTITY USING INDEX whole_key;
        INSERT INTO whole SELECT n, 1 + n % 2, 'row' FROM generate_series(1, 40) n;
        """;

    const string Referring = """
        CREATE TABLE lines (id int PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        INSERT INTO lines SELECT n, 1 + n % 2, 'line' FROM generate_series(1, 40) n;
        CREATE TABLE visits (tenant_id bigint NOT NULL, line_id int NOT NULL REFERENCES lines);
        INSERT INTO visits SELECT tenant_id, id FROM lines, generate_series(1, 3);
        """;

    const string Large = """
        CREATE TABLE lines (id int PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        INSERT INTO lines SELECT n, 1 + n % 2, 'line' FROM generate_series(1, 2000) n;
        CREATE TABLE kinds (id int PRIMARY KEY, name text);
        INSERT INTO kinds SELECT n, 'kind' FROM generate_series(1, 5) n;
        """;
}
