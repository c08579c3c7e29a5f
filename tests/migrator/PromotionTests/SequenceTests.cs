using Migrator.Copying;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// Two databases that count on from one number would hand out the same ids, and the rows could never come home.
/// </summary>
[EveryVersion]
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

        await AssertApartAsync(move, "notes (tenant_id, body) VALUES ({0}, 'new') RETURNING id");
        await AssertApartAsync(move, "small (tenant_id) VALUES ({0}) RETURNING id");
        // Where the key holds the tenant as well, nothing can collide, and a person expects 4 after 3.
        Assert.Equal(
            4,
            await move.Isolated.ScalarAsync<long>("INSERT INTO invoices (tenant_id) VALUES (1) RETURNING place")
        );
        var state = "SELECT last_value || ' ' || is_called FROM ";
        // Nobody knows what the application numbers with it.
        Assert.True(await move.Isolated.ScalarAsync<long>("SELECT nextval('never_used')") > 100_000_000);
        Assert.Equal("2 true", await move.Isolated.ScalarAsync<string>(state + "wheel"));
        Assert.Equal(
            1,
            await move.Isolated.ScalarAsync<long>(
                "SELECT count(*) FROM pg_sequences WHERE sequencename = 'invoice_numbers' AND last_value < 500"
            )
        );
    }

    static async Task AssertApartAsync(TenantMove move, string insert)
    {
        List<long> here = [],
            there = [];
        for (var n = 0; n < 25; n++)
        {
            here.Add(await move.Shared.ScalarAsync<long>("INSERT INTO " + string.Format(insert, TenantMove.Bolt)));
            there.Add(await move.Isolated.ScalarAsync<long>("INSERT INTO " + string.Format(insert, TenantMove.Acme)));
        }
        Assert.Empty(here.Intersect(there));
        Assert.True(there.Min() - here.Max() > 100_000_000, $"{insert}: {here.Max()} and {there.Min()} may meet soon");
    }

    [Fact]
    public async Task After_a_rollback_no_number_of_a_plain_sequence_is_handed_out_again()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        var numbers = await move.Isolated.QueryAsync<long>(
            "INSERT INTO invoices (tenant_id) SELECT 1 FROM generate_series(1, 5) RETURNING number"
        );

        await move.RollBackAsync();

        Assert.True(await move.Shared.ScalarAsync<long>("SELECT nextval('invoice_numbers')") > numbers.Max());
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

    // As case 27: a trigger numbers rows, and the number is unique across tenants.
    const string Tickets = """
        CREATE SEQUENCE ticket_no;
        CREATE TABLE tickets (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                              tenant_id bigint NOT NULL REFERENCES tenants, no bigint UNIQUE);
        CREATE FUNCTION number() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.no := nextval('public.ticket_no'); RETURN NEW; END $$;
        CREATE TRIGGER number BEFORE INSERT ON tickets FOR EACH ROW EXECUTE FUNCTION number();
        INSERT INTO tickets (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 20) n;
        """;

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task Numbers_that_a_trigger_hands_out_come_home_again_and_again(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Tickets);
        move.Mode = mode;
        for (var round = 1; round <= 2; round++)
        {
            await move.PromoteAsync(validate: false);
            await move.Isolated.ExecuteAsync("INSERT INTO tickets (tenant_id) SELECT 1 FROM generate_series(1, 10)");
            await move.Shared.ExecuteAsync("INSERT INTO tickets (tenant_id) SELECT 2 FROM generate_series(1, 10)");
            await move.RollBackAsync();
        }

        Assert.Equal(60, await move.Shared.ScalarAsync<long>("SELECT count(DISTINCT no) FROM tickets"));
    }

    // One default by a table that all tenants share, one by a table of theirs.
    [Fact]
    public async Task A_sequence_that_feeds_two_tables_goes_apart()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE SEQUENCE numbers;
            CREATE TABLE drafts (tenant_id bigint NOT NULL REFERENCES tenants, no bigint DEFAULT nextval('numbers'));
            CREATE TABLE finals (tenant_id bigint NOT NULL REFERENCES tenants, no bigint PRIMARY KEY DEFAULT nextval('numbers'));
            INSERT INTO finals (tenant_id) VALUES (1), (2);
            """
        );
        await move.PromoteAsync(validate: false);

        Assert.True(
            await move.Isolated.ScalarAsync<long>("INSERT INTO finals (tenant_id) VALUES (1) RETURNING no")
                > 100_000_000
        );
    }

    const string ManySequences = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        INSERT INTO notes (tenant_id) VALUES (1), (2);
        DO $$ BEGIN FOR n IN 1..2000 LOOP
            EXECUTE format('CREATE SEQUENCE s%s', n);
            IF n % 2 = 0 THEN PERFORM nextval(format('s%s', n)); END IF;
        END LOOP; END $$;
        """;

    [Fact]
    public async Task Two_thousand_sequences_leave_the_pause_short()
    {
        await using var move = await TenantMove.CreateAsync(servers, ManySequences);
        await using var databases = Migrator.Connections.Databases.For(move.Settings, move.Parsed);
        await move.PromoteAsync(validate: false);
        await using var shared = await databases.Shared.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var scope = Migrator.Scope.TenantScope.Classify(
            await Migrator.Scope.Catalog.ReadAsync(shared, TestContext.Current.CancellationToken),
            move.Tenancy
        );
        var watch = System.Diagnostics.Stopwatch.StartNew();

        await SequenceSetter.SetAsync(
            databases,
            scope,
            promotion: 1,
            new Dictionary<TableName, long>(),
            TestContext.Current.CancellationToken
        );

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{scope.Sequences.Count} sequences: {watch.ElapsedMilliseconds} ms"
        );
        // One statement over all of them took half a minute; this is a fraction of a second on a quiet machine.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{watch.ElapsedMilliseconds} ms");
        Assert.Equal(
            2001,
            await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM pg_sequences WHERE last_value >= 1000000000000")
        );
    }

    [Theory]
    [InlineData(5, 5, long.MaxValue, 1, 1_000_000_000_000)]
    [InlineData(5, 5, long.MaxValue, 7, 7_000_000_000_000)]
    [InlineData(5, 1_000_000_000_007, long.MaxValue, 2, 2_000_000_000_000)]
    [InlineData(5, 1_000_000_000_007, long.MaxValue, 1, 2_000_000_000_000)]
    [InlineData(1_000_000_000_007, 5, long.MaxValue, 3, 4_000_000_000_000)]
    [InlineData(7, 7, int.MaxValue, 3, 7 + (int.MaxValue - 7) / 2)]
    [InlineData(7, 1_000, int.MaxValue, 3, 1_000 + (int.MaxValue - 1_000) / 2)]
    [InlineData(int.MaxValue - 1, 5, int.MaxValue, 1, int.MaxValue - 1)]
    public void The_isolated_side_counts_on_in_the_promotions_own_range_or_from_halfway(
        long last,
        long highest,
        long maximum,
        long promotion,
        long expected
    ) => Assert.Equal(expected, SequenceSetter.Apart(last, highest, maximum, promotion));
}
