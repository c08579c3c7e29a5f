using Migrator.Embedded;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.PromotionTests;

/// <summary>No tenant is sent to a server that does not let its application in.</summary>
[EveryVersion]
public sealed class ApplicationLoginTests(Servers servers)
{
    const string Notes =
        "CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL); INSERT INTO notes VALUES (1, 1), (2, 2);";

    [Fact]
    public async Task A_login_that_the_other_server_lacks_is_a_fault_of_the_dry_run()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        var role = Servers.NewName("webapp");
        await servers.Shared.CreateRoleAsync(role, "LOGIN");
        await move.Shared.ExecuteAsync($"GRANT SELECT ON notes TO {role}");

        Assert.Contains(
            (await move.PreflightAsync()).Faults,
            fault => fault.Contains($"CREATE ROLE \"{role}\" LOGIN PASSWORD")
        );
    }

    [Fact]
    public async Task The_application_logs_in_before_its_tenant_is_sent_there()
    {
        var (role, login) = (Servers.NewName("group"), Servers.NewName("api"));
        await servers.Shared.CreateRoleAsync(role, "LOGIN");
        await servers.Dedicated.CreateRoleAsync(login, "LOGIN");
        var password = servers.Dedicated.PasswordOf(login);
        Tenancy As(string? secret) =>
            new()
            {
                ApplicationRole = role,
                ApplicationLogin = login,
                ApplicationPassword = secret,
            };
        await using var wrong = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated, As("wrong"));
        await wrong.Shared.ExecuteAsync($"GRANT SELECT ON notes TO {role}");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => wrong.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains($"login {login} is refused", refused.Message);
        Assert.False(await wrong.IsolatedExistsAsync());

        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated, As(password));
        await move.Shared.ExecuteAsync($"GRANT SELECT ON notes TO {role}");
        var dedicated = new TestDatabase(servers.Dedicated, "postgres", EmbeddedCluster.Superuser);
        var failed = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.BuildSchema,
                () => dedicated.ExecuteAsync($"ALTER ROLE {login} PASSWORD 'another'")
            )
        );
        Assert.Contains($"login {login} is refused", failed.Message);
        Assert.Equal(
            "shared",
            await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1")
        );

        await dedicated.ExecuteAsync($"ALTER ROLE {login} PASSWORD '{password}'");
        await move.PromoteAsync();
        // The migrator has made the role a group there, and the login a member of it.
        await using var application = new NpgsqlConnection(servers.Dedicated.ConnectionString(move.TargetName, login));
        await application.OpenAsync(TestContext.Current.CancellationToken);
        await using var count = new NpgsqlCommand("SELECT count(*) FROM notes", application);
        Assert.Equal(1L, await count.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        Assert.False(
            await dedicated.ScalarAsync<bool>("SELECT rolcanlogin FROM pg_roles WHERE rolname = @role", new { role })
        );
    }
}
