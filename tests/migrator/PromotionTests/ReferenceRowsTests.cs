using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>Rows of a reference table that were written in the isolated database come home or are named.</summary>
public sealed class ReferenceRowsTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, pw text);
        CREATE TABLE membership (
            tenant_id bigint NOT NULL REFERENCES tenants, user_id int NOT NULL REFERENCES users, PRIMARY KEY (tenant_id, user_id));
        INSERT INTO users SELECT n, 'u' || n || '@x', 'old' FROM generate_series(1, 20) n;
        INSERT INTO membership SELECT 1 + n % 2, n FROM generate_series(1, 20) n;
        """;

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task New_ones_that_the_tenant_needs_come_home_and_changed_ones_are_named(string mode)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema,
            tenancy: new() { Reference = [TableName.Parse("public.users")] }
        );
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(
            """
            INSERT INTO users VALUES (200, 'iso@x', 'new'), (201, 'unused@x', 'new');
            INSERT INTO membership VALUES (1, 200);
            UPDATE users SET pw = 'changed' WHERE id = 2;
            DELETE FROM membership WHERE user_id = 6; DELETE FROM users WHERE id = 6;
            """
        );
        await move.Shared.ExecuteAsync("UPDATE users SET pw = 'shared' WHERE id = 4");

        await move.RollBackAsync();

        Assert.Equal(
            ["(4,u4@x,shared)", "(6,u6@x,old)", "(200,iso@x,new)"],
            await move.Shared.QueryAsync<string>(
                "SELECT u::text FROM users u WHERE id IN (4, 6, 200, 201) OR pw = 'changed' ORDER BY id"
            )
        );
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM membership WHERE tenant_id = 1"));
        var said = Assert.Single(move.Watched.Warnings, warning => warning.Contains("Reference table public.users"));
        Assert.Contains("public.users: id=2 has other values", said);
        Assert.Contains("id=201", said);
        Assert.Contains("id=6", said);
    }

    [Fact]
    public async Task What_nobody_wrote_in_the_isolated_database_is_not_spoken_of()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema,
            tenancy: new() { Reference = [TableName.Parse("public.users")] }
        );
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync("UPDATE users SET pw = 'shared' WHERE id = 4");

        await move.RollBackAsync();

        Assert.DoesNotContain(move.Watched.Warnings, warning => warning.Contains("Reference table"));
    }
}
