using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Guarding;

/// <summary>BEFORE triggers fire by name: one that fires after the guard's gives the row to the tenant when the guard has looked.</summary>
public sealed class LateTriggerTests(Servers servers)
{
    [Theory]
    [SoakData("übernimm_mandant", false)]
    [InlineData("~z", false)]
    [InlineData("übernimm_mandant", true)]
    public async Task A_row_that_a_late_trigger_gives_to_the_tenant_is_followed_and_refused(
        string name,
        bool partitioned
    )
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"""
            CREATE TABLE orders (id int PRIMARY KEY, tenant_id bigint NOT NULL, note text) {(
                partitioned ? "PARTITION BY RANGE (id)" : ""
            )};
            {(partitioned ? "CREATE TABLE orders_all PARTITION OF orders DEFAULT;" : "")}
            CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN IF NEW.note = ''acme'' THEN NEW.tenant_id := 1; END IF; RETURN NEW; END';
            CREATE TRIGGER "{name}" BEFORE INSERT OR UPDATE ON {(partitioned ? "orders_all" : "orders")}
                FOR EACH ROW EXECUTE FUNCTION take();
            INSERT INTO orders SELECT n, 1 + n % 2, 'n' FROM generate_series(1, 20) n;
            """
        );

        await move.PromoteMeddledAsync(
            PhaseName.BuildSchema,
            () =>
                move.Shared.ExecuteAsync(
                    "UPDATE orders SET note = 'acme' WHERE id < 4; INSERT INTO orders VALUES (99, 2, 'acme')"
                )
        );

        Assert.Equal(
            await move.Shared.QueryAsync<string>("SELECT o::text FROM orders o WHERE tenant_id = 1 ORDER BY id"),
            await move.Isolated.QueryAsync<string>("SELECT o::text FROM orders o ORDER BY id")
        );
        foreach (
            var write in (string[])
                ["INSERT INTO orders VALUES (100, 2, 'acme')", "UPDATE orders SET note = 'acme' WHERE id = 5"]
        )
            Assert.Equal(
                "25006",
                (await Assert.ThrowsAsync<PostgresException>(() => move.Shared.ExecuteAsync(write))).SqlState
            );
        await move.RollBackAsync();
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
    }
}
