using Migrator.Copying;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// Two databases that count on from one number would hand out the same ids, and the rows could never come home.
/// </summary>
public sealed class SequenceTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text NOT NULL);
        CREATE TABLE small (
            id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        CREATE SEQUENCE invoice_numbers START 100 INCREMENT 10;
        CREATE TABLE invoices (
            tenant_id bigint NOT NULL REFERENCES tenants, number bigint NOT NULL DEFAULT nextval('invoice_numbers'),
            place serial, PRIMARY KEY (tenant_id, place));
        CREATE SEQUENCE never_used;
        CREATE SEQUENCE wheel MAXVALUE 5 CYCLE;
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, n FROM generate_series(1, 20) n;
        INSERT INTO small (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 20) n;
        INSERT INTO invoices (tenant_id) VALUES (1), (2), (1);
        SELECT nextval('wheel'), nextval('wheel');
        """;

    [Fact]
    public async Task Ids_of_a_key_are_never_handed_out_twice_and_other_sequences_count_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);

        await move.PromoteAsync(validate: false);

        foreach (
            var insert in (string[])
                [
                    "notes (tenant_id, body) VALUES ({0}, 'new') RETURNING id",
                    "small (tenant_id) VALUES ({0}) RETURNING id",
                ]
        )
        {
            List<long> here = [],
                there = [];
            for (var n = 0; n < 25; n++)
            {
                here.Add(await move.Shared.ScalarAsync<long>("INSERT INTO " + string.Format(insert, TenantMove.Bolt)));
                there.Add(
                    await move.Isolated.ScalarAsync<long>("INSERT INTO " + string.Format(insert, TenantMove.Acme))
                );
            }
            Assert.Empty(here.Intersect(there));
            Assert.True(
                there.Min() - here.Max() > 100_000_000,
                $"{insert}: {here.Max()} and {there.Min()} may meet soon"
            );
        }
        // Where the key holds the tenant as well, nothing can collide, and a person expects 4 after 3.
        Assert.Equal(
            4,
            await move.Isolated.ScalarAsync<long>("INSERT INTO invoices (tenant_id) VALUES (1) RETURNING place")
        );
        var state = "SELECT last_value || ' ' || is_called FROM ";
        Assert.Equal("1 false", await move.Isolated.ScalarAsync<string>(state + "never_used"));
        Assert.Equal("2 true", await move.Isolated.ScalarAsync<string>(state + "wheel"));
        Assert.Equal(
            1,
            await move.Isolated.ScalarAsync<long>(
                "SELECT count(*) FROM pg_sequences WHERE sequencename = 'invoice_numbers' AND last_value < 500"
            )
        );
    }

    [Fact]
    public async Task After_a_rollback_no_number_of_a_plain_sequence_is_handed_out_again()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        var numbers = await move.Isolated.QueryAsync<long>(
            "INSERT INTO invoices (tenant_id) SELECT 1 FROM generate_series(1, 5) RETURNING number"
        );
        var first = await move.Isolated.ScalarAsync<long>("SELECT nextval('never_used')");

        await move.RollBackAsync();

        Assert.True(await move.Shared.ScalarAsync<long>("SELECT nextval('invoice_numbers')") > numbers.Max());
        Assert.True(await move.Shared.ScalarAsync<long>("SELECT nextval('never_used')") > first);
        // Ids of the range apart came home as rows; the shared sequence goes on where it was.
        Assert.Equal(
            21,
            await move.Shared.ScalarAsync<long>("INSERT INTO notes (tenant_id, body) VALUES (1, 'home') RETURNING id")
        );
    }

    [Fact]
    public async Task A_second_promotion_counts_apart_from_the_first()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        var first = await move.Isolated.ScalarAsync<long>(
            "INSERT INTO notes (tenant_id, body) VALUES (1, 'first time') RETURNING id"
        );
        await move.RollBackAsync();
        await move.PromoteAsync(validate: false);

        var second = await move.Isolated.ScalarAsync<long>(
            "INSERT INTO notes (tenant_id, body) VALUES (1, 'second time') RETURNING id"
        );

        Assert.True(second > first);
    }

    [Theory]
    [InlineData(5, long.MaxValue, 1_000_000_000_000)]
    [InlineData(1_000_000_000_000, long.MaxValue, 2_000_000_000_000)]
    [InlineData(1_000_000_000_007, long.MaxValue, 2_000_000_000_000)]
    [InlineData(7, int.MaxValue, 7 + (int.MaxValue - 7) / 2)]
    [InlineData(int.MaxValue - 1, int.MaxValue, int.MaxValue - 1)]
    public void The_isolated_side_counts_on_from_the_next_large_number_or_from_halfway(
        long last,
        long maximum,
        long expected
    ) => Assert.Equal(expected, SequenceSetter.Apart(last, maximum));
}
