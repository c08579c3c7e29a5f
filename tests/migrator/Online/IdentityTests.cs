using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>
/// An identity that is GENERATED ALWAYS refuses every value in an UPDATE but DEFAULT: rows that were given a new one are
/// equal on the other side all the same, and the column is as before.
/// </summary>
public sealed class IdentityTests(Servers servers)
{
    // A row that others hang on must not be deleted to get a new value.
    const string Schema = """
        CREATE TABLE meters (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            serial int GENERATED ALWAYS AS IDENTITY UNIQUE, name text);
        CREATE TABLE readings (id int PRIMARY KEY, meter_id int NOT NULL REFERENCES meters ON DELETE CASCADE);
        CREATE TABLE keys (
            tenant_id bigint NOT NULL REFERENCES tenants, n bigint GENERATED ALWAYS AS IDENTITY, name text,
            PRIMARY KEY (tenant_id, n));
        CREATE TABLE parts (id int, tenant_id bigint NOT NULL, serial int GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (id))
            PARTITION BY RANGE (id);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
        INSERT INTO meters (id, tenant_id, name) SELECT n, 1 + n % 2, 'm' FROM generate_series(1, 40) n;
        INSERT INTO readings SELECT id, id FROM meters;
        INSERT INTO keys (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 40) n;
        INSERT INTO parts (id, tenant_id) SELECT n, 1 + n % 2 FROM generate_series(1, 40) n;
        """;

    const string NewValues = """
        UPDATE meters SET serial = DEFAULT WHERE id IN (4, 5, 6, 7);
        UPDATE meters SET serial = DEFAULT, name = 'both' WHERE id = 8;
        UPDATE meters SET name = 'renamed' WHERE id IN (6, 10);
        UPDATE keys SET n = DEFAULT WHERE n IN (2, 4);
        UPDATE keys SET name = 'renamed' WHERE n > 36;
        UPDATE parts SET serial = DEFAULT WHERE id IN (4, 5);
        """;

    [Theory]
    [InlineData(PhaseName.CatchUp)]
    [SoakData(PhaseName.Verify)]
    [InlineData(PhaseName.CutOver)]
    public async Task A_new_value_goes_along(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);

        await move.PromoteMeddledAsync(phase, () => move.Shared.ExecuteAsync(NewValues));

        await AssertEqualAsync(move);
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_new_value_comes_home(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(NewValues);
        // Values that two rows have swapped.
        await move.Isolated.ExecuteAsync(
            """
            CREATE TABLE pair AS SELECT * FROM meters WHERE id IN (20, 22);
            UPDATE pair SET serial = (SELECT sum(serial) FROM pair) - serial;
            DELETE FROM readings WHERE meter_id IN (20, 22);
            DELETE FROM meters WHERE id IN (20, 22);
            INSERT INTO meters OVERRIDING SYSTEM VALUE SELECT * FROM pair;
            INSERT INTO readings VALUES (20, 20), (22, 22);
            DROP TABLE pair;
            """
        );

        await move.RollBackAsync();

        await AssertEqualAsync(move);
    }

    static async Task AssertEqualAsync(TenantMove move)
    {
        Assert.Empty(
            await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync([
                new("public.meters", "tenant_id = 1"),
                new("public.readings", "meter_id IN (SELECT id FROM public.meters WHERE tenant_id = 1)"),
                new("public.keys", "tenant_id = 1"),
                new("public.parts", "tenant_id = 1"),
                new("public.tenants", "id = 1"),
            ])
        );
        foreach (var database in (TestDatabase[])[move.Shared, move.Isolated])
            Assert.Equal(
                3,
                await database.ScalarAsync<long>(
                    """
                    SELECT count(*) FROM pg_attribute
                    WHERE attidentity = 'a' AND attrelid IN ('meters'::regclass, 'keys'::regclass, 'parts'::regclass)
                    """
                )
            );
    }
}
