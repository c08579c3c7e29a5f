using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Users of many tenants whom the tenants' own rows name, and whom several of the tenants take along.</summary>
public sealed class SharedUsersTests(Servers servers)
{
    // User n is a member of tenant n % 3 + 1; each tenant's owner has its number. User 3 is everywhere, user 5 is tenant 3's.
    const string Schema = """
        CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
        ALTER TABLE tenants ADD owner_id int REFERENCES users;
        CREATE TABLE memberships (tenant_id bigint NOT NULL REFERENCES tenants, user_id int NOT NULL REFERENCES users,
            role text, PRIMARY KEY (tenant_id, user_id));
        CREATE TABLE sessions (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, token text);
        CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, assignee_id int REFERENCES users);
        INSERT INTO tenants (id, slug) VALUES (3, 'third');
        INSERT INTO users SELECT n, 'u' || n || '@x' FROM generate_series(1, 30) n; UPDATE tenants SET owner_id = id;
        INSERT INTO memberships SELECT n % 3 + 1, n, 'm' FROM generate_series(1, 30) n;
        INSERT INTO memberships VALUES (2, 3, 'guest'), (3, 3, 'guest'), (1, 1, 'owner');
        INSERT INTO sessions SELECT n, n, 'secret' FROM generate_series(1, 30) n;
        INSERT INTO tasks SELECT n, n % 3 + 1, n % 3 + 3 * (n % 9) + 1 FROM generate_series(1, 90) n;
        """;

    static readonly Settings.Tenancy Tenancy = ScopePattern.Parse(
        """
        { "tables": {
            "public.users": {
              "shared_through": ["public.tenants.owner_id", "public.memberships.user_id", "public.tasks.assignee_id"] },
            "public.sessions": "ignored"
        } }
        """
    );

    const string Named = """
        SELECT email FROM users WHERE id IN (SELECT owner_id FROM tenants WHERE id = {0} UNION
            SELECT user_id FROM memberships WHERE tenant_id = {0} UNION SELECT assignee_id FROM tasks WHERE tenant_id = {0})
        ORDER BY 1
        """;

    const string Everybody = "SELECT email FROM users ORDER BY 1";

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public Task A_tenant_whose_row_names_its_owner_moves_there_and_back_and_for_good(string mode) =>
        new ScopePattern("", Schema, [("memberships", "tenant_id = 1"), ("tasks", "tenant_id = 1")])
        {
            Tenancy = Tenancy,
            Mode = mode,
            Meanwhile =
                mode == PromotionOptions.Online
                    ? """
                        UPDATE users SET email = 'changed' || id || '@x' WHERE id IN (3, 4);
                        INSERT INTO users VALUES (100, 'new@x'), (101, 'boss@x'); INSERT INTO memberships VALUES (1, 100, 'm');
                        INSERT INTO tasks VALUES (1000, 1, 100); UPDATE tenants SET owner_id = 101 WHERE id = 1;
                        """
                    : "",
            There = """
                INSERT INTO users VALUES (200, 'there@x'); INSERT INTO memberships VALUES (1, 200, 'm');
                UPDATE tenants SET owner_id = 200 WHERE id = 1;
                """,
        }.MoveAsync(servers);

    [Fact]
    public async Task A_user_of_three_tenants_of_which_two_move_is_in_each_of_their_databases()
    {
        await using var acme = await TenantMove.CreateAsync(servers, Schema, tenancy: Tenancy);
        await using var bolt = new TenantMove(
            acme.Shared,
            await acme.Shared.ScalarAsync<string>("SELECT slug FROM tenants WHERE id = 2"),
            tenancy: Tenancy
        );

        await acme.PromoteAsync();
        // Who comes is named by a tenant that has left and by one that is about to.
        await acme.Isolated.ExecuteAsync("UPDATE users SET email = 'acme@x' WHERE id = 3");
        await acme.Shared.ExecuteAsync("INSERT INTO memberships VALUES (2, 5, 'late')");
        await bolt.PromoteAsync();

        Assert.Equal(
            await acme.Shared.QueryAsync<string>(Named.Replace("{0}", "2")),
            await bolt.Isolated.QueryAsync<string>(Everybody)
        );
        await bolt.Isolated.ExecuteAsync(
            "UPDATE users SET email = 'bolt@x' WHERE id = 3; DELETE FROM memberships WHERE user_id = 5"
        );
        await bolt.FinalizeAsync();
        await acme.RollBackAsync();

        // Nobody but the third tenant has said anything in the shared database.
        Assert.Equal("u3@x", await acme.Shared.ScalarAsync<string>("SELECT email FROM users WHERE id = 3"));
        Assert.Equal(30, await acme.Shared.ScalarAsync<long>("SELECT count(*) FROM users"));
        Assert.Equal(
            ["1 11", "3 11"],
            await acme.Shared.QueryAsync<string>(
                "SELECT tenant_id || ' ' || count(*) FROM memberships GROUP BY tenant_id ORDER BY tenant_id"
            )
        );
        Assert.Equal(
            ["acme@x", "bolt@x"],
            [
                await acme.Isolated.ScalarAsync<string>("SELECT email FROM users WHERE id = 3"),
                await bolt.Isolated.ScalarAsync<string>("SELECT email FROM users WHERE id = 3"),
            ]
        );
    }

    // Null, then the tenant's, then nobody's again: on a column of the row, and on one of several parents.
    [Fact]
    public Task Rows_without_an_owner_get_one_and_lose_one() =>
        new ScopePattern(
            "",
            """
            CREATE TABLE boards (id int PRIMARY KEY, tenant_id bigint REFERENCES tenants);
            CREATE TABLE cards (id int PRIMARY KEY, board_id int REFERENCES boards, body text);
            INSERT INTO boards SELECT n, nullif(n % 3, 0) FROM generate_series(1, 30) n;
            INSERT INTO cards SELECT n, CASE WHEN n <= 30 THEN n END, 'c' FROM generate_series(1, 40) n;
            """,
            [("boards", "tenant_id = 1"), ("cards", "board_id IN (SELECT id FROM boards WHERE tenant_id = 1)")]
        )
        {
            Tenancy = new(),
            Meanwhile = """
                UPDATE boards SET tenant_id = 1 WHERE id IN (3, 6); UPDATE boards SET tenant_id = NULL WHERE id = 4;
                UPDATE cards SET board_id = 1 WHERE id = 31; UPDATE cards SET board_id = 2 WHERE id = 32;
                UPDATE cards SET board_id = NULL WHERE id = 7; UPDATE cards SET body = 'x' WHERE id = 6;
                UPDATE boards SET tenant_id = NULL WHERE id = 6; UPDATE boards SET tenant_id = 1 WHERE id = 6;
                """,
            There = "UPDATE cards SET body = 'there' WHERE id = 31; INSERT INTO cards VALUES (400, 3, 'there')",
        }.MoveAsync(servers);
}
