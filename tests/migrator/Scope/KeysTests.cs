using Migrator.Model;
using Migrator.Scope;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>By which columns the stream knows a row, and whether rows of other keys may stand in its way.</summary>
public sealed class KeysTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE plain (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, UNIQUE (tenant_id, id));
        CREATE TABLE filtered (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, note text,
            CONSTRAINT filtered_identity UNIQUE (tenant_id, id));
        ALTER TABLE filtered REPLICA IDENTITY USING INDEX filtered_identity;
        CREATE TABLE coded (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, code text NOT NULL,
            CONSTRAINT coded_identity UNIQUE (tenant_id, code));
        ALTER TABLE coded REPLICA IDENTITY USING INDEX coded_identity;
        CREATE TABLE spelt (name text PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        CREATE UNIQUE INDEX ON spelt (tenant_id, name text_pattern_ops);
        CREATE TABLE reserved (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, during int4range,
            EXCLUDE USING gist (during WITH &&));
        CREATE TABLE dated (id int, tenant_id bigint NOT NULL REFERENCES tenants, at date, PRIMARY KEY (id, at))
            PARTITION BY RANGE (at);
        CREATE TABLE dated_old (at date NOT NULL, tenant_id bigint NOT NULL, id int NOT NULL);
        ALTER TABLE dated ATTACH PARTITION dated_old FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE dated_new PARTITION OF dated DEFAULT;
        CREATE TABLE dated_once (LIKE dated) PARTITION BY RANGE (at);
        ALTER TABLE dated_once ADD PRIMARY KEY (id, at), ADD FOREIGN KEY (tenant_id) REFERENCES tenants;
        CREATE TABLE dated_once_new PARTITION OF dated_once DEFAULT;
        CREATE UNIQUE INDEX ON dated_once_new (id);
        """;

    [Fact]
    public async Task The_primary_key_where_a_change_tells_it()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await using var connection = await move.Shared.OpenAsync();

        var catalog = await Catalog.ReadAsync(connection, TestContext.Current.CancellationToken);

        Assert.Equal(
            [
                "coded: tenant_id, code, and other values",
                "dated: id, at",
                "dated_once: id, at, and other values",
                "filtered: id",
                "plain: id",
                "reserved: id, and other values",
                "spelt: name, and other values",
                "tenants: id, and other values",
            ],
            catalog.Tables.Select(table =>
                $"{table.Name.Name}: {string.Join(", ", table.Key)}{(table.HasOtherUnique ? ", and other values" : "")}"
            )
        );
    }

    [Theory]
    [SoakData(PhaseName.CatchUp)]
    [InlineData(PhaseName.CutOver)]
    public async Task Rows_of_a_wider_replica_identity_come_and_go(string phase)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"{Schema} INSERT INTO filtered SELECT 10 * t + n, t FROM generate_series(1, 2) t, generate_series(1, 5) n"
        );

        await move.PromoteMeddledAsync(
            phase,
            () =>
                move.Shared.ExecuteAsync(
                    """
                    UPDATE filtered SET note = 'changed' WHERE id IN (11, 21);
                    UPDATE filtered SET tenant_id = 3 - tenant_id WHERE id IN (12, 22);
                    UPDATE filtered SET id = id + 100 WHERE id IN (13, 23);
                    UPDATE filtered SET tenant_id = 3 - tenant_id, id = id + 100 WHERE id IN (14, 24);
                    DELETE FROM filtered WHERE id IN (15, 25)
                    """
                )
        );

        Assert.Equal(
            ["11 changed", "113 ", "124 ", "22 "],
            await move.Isolated.QueryAsync<string>("SELECT concat(id, ' ', note) FROM filtered ORDER BY 1")
        );
        await move.Isolated.ExecuteAsync(
            "UPDATE filtered SET note = 'home', id = id + 1000; DELETE FROM filtered WHERE id = 1011"
        );
        await move.RollBackAsync();
        Assert.Equal(
            ["1022 home", "1113 home", "1124 home"],
            await move.Shared.QueryAsync<string>(
                "SELECT concat(id, ' ', note) FROM filtered WHERE tenant_id = 1 ORDER BY 1"
            )
        );
    }
}
