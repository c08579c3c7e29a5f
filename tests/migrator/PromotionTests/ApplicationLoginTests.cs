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
    public async Task A_role_that_may_not_log_in_there_is_not_said_to_be_missing()
    {
        var login = Servers.NewName("api");
        await servers.Shared.CreateRoleAsync(login, "LOGIN");
        await servers.Dedicated.CreateRoleAsync(login, "NOLOGIN");
        var tenancy = new Tenancy { ApplicationRole = login, ApplicationLogin = login };
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated, tenancy);
        await move.Shared.ExecuteAsync($"GRANT SELECT ON notes TO {login}");

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.Contains($"ALTER ROLE \"{login}\" LOGIN PASSWORD", fault);
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
        await MustBeRefusedAsync(As("wrong"));

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
        Assert.Equal("shared", await ModeAsync(move));

        await dedicated.ExecuteAsync($"ALTER ROLE {login} PASSWORD '{password}'");
        await move.PromoteAsync();
        await MustLogInAsync(move, role, login);
    }

    async Task MustBeRefusedAsync(Tenancy tenancy)
    {
        await using var wrong = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated, tenancy);
        await wrong.Shared.ExecuteAsync($"GRANT SELECT ON notes TO {tenancy.ApplicationRole}");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => wrong.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains($"login {tenancy.ApplicationLogin} is refused", refused.Message);
        Assert.False(await wrong.IsolatedExistsAsync());
    }

    // The migrator has made the role a group there, and the login a member of it.
    async Task MustLogInAsync(TenantMove move, string role, string login)
    {
        var dedicated = new TestDatabase(servers.Dedicated, "postgres", EmbeddedCluster.Superuser);
        await using var application = new NpgsqlConnection(servers.Dedicated.ConnectionString(move.TargetName, login));
        await application.OpenAsync(TestContext.Current.CancellationToken);
        await using var count = new NpgsqlCommand("SELECT count(*) FROM notes", application);
        Assert.Equal(1L, await count.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        Assert.False(
            await dedicated.ScalarAsync<bool>("SELECT rolcanlogin FROM pg_roles WHERE rolname = @role", new { role })
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_login_that_no_grant_would_reach_is_a_fault_of_the_dry_run(bool roleExists)
    {
        var (role, login) = (Servers.NewName("group"), Servers.NewName("api"));
        if (roleExists)
            await servers.Shared.CreateRoleAsync(role, "NOLOGIN");
        await using var move = await WithLoginAsync(role, login);

        var faults = (await move.PreflightAsync()).Faults;

        Assert.Contains(
            faults,
            fault => fault.Contains(login) && fault.Contains("\"application_role\" in tenancy.json")
        );
    }

    [Fact]
    public async Task No_tenant_is_sent_to_a_database_that_its_login_cannot_read()
    {
        // The server knows the role, perhaps from another tenant; this tenant's tables name nobody.
        var (role, login) = (Servers.NewName("group"), Servers.NewName("api"));
        await servers.Dedicated.CreateRoleAsync(role, "NOLOGIN");
        await using var move = await WithLoginAsync(role, login);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Contains(
            move.Watched.Warnings,
            warning => warning.Contains(login) && warning.Contains("before the flip")
        );
        Assert.Contains($"{login} may read none of the tenant's tables", refused.Message);
        Assert.Equal("shared", await ModeAsync(move));
    }

    [Theory]
    [InlineData("REVOKE SELECT ON notes FROM {0}", "may not read public.notes")]
    [InlineData("REVOKE {0} FROM {1}", "may read none of the tenant's tables")]
    public async Task A_right_that_is_missing_there_keeps_the_tenant_where_it_is(string revoke, string reason)
    {
        var (role, login) = (Servers.NewName("group"), Servers.NewName("api"));
        await servers.Shared.CreateRoleAsync(role, "NOLOGIN");
        await using var move = await WithLoginAsync(role, login);
        await move.Shared.ExecuteAsync($"GRANT SELECT ON notes, tenants TO {role}");
        Task Meddled(string sql) =>
            move.PromoteMeddledAsync(PhaseName.TryApplicationLogin, () => move.Isolated.ExecuteAsync(sql));

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            Meddled(string.Format(null, revoke, role, login))
        );

        Assert.Contains($"{login} {reason}", refused.Message);
        Assert.Equal("shared", await ModeAsync(move));
        await Meddled($"GRANT SELECT ON notes TO {role}; GRANT {role} TO {login}");
        Assert.Equal("isolated", await ModeAsync(move));
    }

    async Task<TenantMove> WithLoginAsync(string role, string login)
    {
        await servers.Dedicated.CreateRoleAsync(login, "LOGIN");
        var tenancy = new Tenancy { ApplicationRole = role, ApplicationLogin = login };
        return await TenantMove.CreateAsync(servers, Notes, servers.Dedicated, tenancy);
    }

    static Task<string> ModeAsync(TenantMove move) =>
        move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1");
}
