using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Security;

/// <summary>What opens the closed guard to the migrator's transactions opens it to nobody else's.</summary>
[EveryVersion]
public sealed class GuardPassTests(Servers servers)
{
    // A CHECK runs in the migrator's transactions when rows come home, and can read every setting there.
    const string Thief = """
        CREATE TABLE loot (pass text);
        CREATE FUNCTION steal() RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN
                IF current_setting('tenant_promotion.pass', true) <> '' THEN
                    INSERT INTO public.loot VALUES (current_setting('tenant_promotion.pass', true));
                END IF;
                RETURN true;
            END $$;
        CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, note text CHECK (public.steal()));
        INSERT INTO items SELECT n, 1 + n % 2, 'note' FROM generate_series(1, 20) n;
        """;

    [Theory]
    [InlineData(PromotionOptions.Online, "verify-home")]
    [InlineData(PromotionOptions.Fenced, PhaseName.FlipBack)]
    public async Task A_pass_that_a_check_has_read_opens_no_other_transaction(string mode, string then)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Thief,
            tenancy: new() { Ignored = [new("public", "loot")] }
        );
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO items VALUES (100, 1, 'new')");
        var loot = new List<string>();
        var refused = new List<string>();

        await move.RollBackMeddledAsync(
            then,
            async () =>
            {
                loot.AddRange(await move.Shared.QueryAsync<string>("SELECT DISTINCT pass FROM loot"));
                foreach (
                    var pass in loot.Append(
                        await move.Shared.ScalarAsync<string>("SELECT pass FROM tenant_promotion.guard")
                    )
                )
                    refused.Add(await WriteAsync(move.Shared, pass));
            }
        );

        Assert.NotEmpty(loot);
        Assert.All(refused, state => Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, state));
        Assert.Equal(21, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    public async Task A_promotion_that_an_earlier_version_began_is_rolled_back()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);"
                + "INSERT INTO items VALUES (1, 1), (2, 2)"
        );
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync("DROP FUNCTION tenant_promotion.proof(text, text)");
        await move.Isolated.ExecuteAsync("INSERT INTO items VALUES (3, 1)");

        await move.RollBackAsync();

        Assert.Equal(3, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    static async Task<string> WriteAsync(TestDatabase shared, string pass)
    {
        try
        {
            await shared.ExecuteAsync(
                "BEGIN; SELECT set_config('tenant_promotion.pass', @pass, true); INSERT INTO items VALUES (200, 1); ROLLBACK",
                new { pass }
            );
            return "accepted";
        }
        catch (PostgresException e)
        {
            return e.SqlState;
        }
    }
}
