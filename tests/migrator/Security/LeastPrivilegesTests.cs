using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Preflight;
using Migrator.Tests.Support;

namespace Migrator.Tests.Security;

/// <summary>The statements that <c>privileges</c> prints are enough to move a tenant, and none is more than is needed.</summary>
[EveryVersion]
public sealed class LeastPrivilegesTests(Servers servers)
{
    [Theory]
    [SoakData(false)]
    [InlineData(true)]
    public async Task What_is_printed_moves_a_tenant_there_and_back_and_finalizes_it(bool otherServer)
    {
        var (owner, worker) = (Servers.NewName("owner"), Servers.NewName("worker"));
        var administrator = Servers.NewName("administrator");
        EmbeddedCluster[] clusters = otherServer ? [servers.Shared, servers.Dedicated] : [servers.Shared];
        // The roles themselves with the passwords that the tests know.
        foreach (var cluster in clusters)
        foreach (var role in (string[])[owner, worker, administrator])
            await cluster.CreateRoleAsync(role, "LOGIN");
        await using var made = await MakeAsync(owner);
        await using var move = new TenantMove(
            new(servers.Shared, made.Shared.Name, worker),
            made.Slug,
            otherServer ? servers.Dedicated : null
        )
        {
            Administrator = administrator,
        };

        var needed = await NeededAsync(move, worker, administrator, otherServer);
        Assert.DoesNotContain(
            needed,
            one => one.Statement.Contains("CREATEROLE") || one.Statement.Contains("BYPASSRLS")
        );
        await GrantAsync(move, needed);

        Assert.All(
            await NeededAsync(move, worker, administrator, otherServer),
            one => Assert.True(one.IsThere, one.Statement)
        );
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO items VALUES (3, 1)");
        await move.RollBackAsync(dropIsolated: true);
        Assert.Equal(3, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        Assert.Equal(1, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
        await move.ForgetAsync();
    }

    /// <summary>A shared database that belongs to somebody else, and that nobody may write to but its owner.</summary>
    async Task<TenantMove> MakeAsync(string owner)
    {
        var made = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);"
                + "INSERT INTO items VALUES (1, 1), (2, 2)"
        );
        await made.Shared.ExecuteAsync(
            $"""
            ALTER DATABASE "{made.Shared.Name}" OWNER TO {owner};
            ALTER TABLE tenants OWNER TO {owner}; ALTER TABLE items OWNER TO {owner};
            REVOKE ALL ON DATABASE "{made.Shared.Name}" FROM PUBLIC; GRANT CONNECT ON DATABASE "{made.Shared.Name}" TO PUBLIC;
            """,
            role: EmbeddedCluster.Superuser
        );
        return made;
    }

    static async Task GrantAsync(TenantMove move, IEnumerable<NeededPrivilege> needed)
    {
        foreach (var one in needed.Where(one => !one.IsThere))
            await new TestDatabase(
                one.Server == "shared" ? move.Shared.Cluster : move.Server,
                one.Server == "shared" ? move.Shared.Name : "postgres",
                EmbeddedCluster.Superuser
            ).ExecuteAsync(one.Statement);
    }

    [Fact]
    public async Task A_role_that_is_missing_and_forced_row_security_are_named_with_what_they_take()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);"
                + "ALTER TABLE items FORCE ROW LEVEL SECURITY",
            servers.Dedicated
        );
        var (reader, login) = (Servers.NewName("reader"), Servers.NewName("login"));
        await servers.Shared.CreateRoleAsync(reader, "NOLOGIN");
        await servers.Shared.CreateRoleAsync(login);
        await move.Shared.ExecuteAsync($"GRANT SELECT ON items TO {reader}, {login}");

        var needed = await NeededAsync(move, "nobody_yet", "nobody_yet", otherServer: true);

        Assert.All(needed, one => Assert.False(one.IsThere, one.Statement));
        Assert.Contains(
            needed,
            one => one.Statement.EndsWith(" CREATEROLE") && one.Reason.StartsWith($"makes {reader};")
        );
        // The migrator has no password for it, and preflight wants it there.
        Assert.Contains(needed, one => one.Statement == $"CREATE ROLE \"{login}\" LOGIN" && one.Server == "isolated");
        Assert.Contains(needed, one => one.Statement.EndsWith(" BYPASSRLS") && one.Reason.Contains("items"));
    }

    // As any login sees the catalogs.
    static async Task<IReadOnlyList<NeededPrivilege>> NeededAsync(
        TenantMove move,
        string worker,
        string administrator,
        bool otherServer
    )
    {
        var token = TestContext.Current.CancellationToken;
        await using var shared = await Databases.OpenAsync(move.Settings.Source, token);
        await using var server = await Databases.OpenAsync(move.Settings.Target, token);
        return await new LeastPrivileges(worker, administrator, move.Settings.Tenancy).ReadAsync(
            shared,
            server,
            !otherServer,
            token
        );
    }
}
