using Migrator.Doctor;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Security;

/// <summary>
/// A role that may create objects, and owns nothing of the application's, makes some while a tenant moves and after it has
/// moved. None of them gets the migrator's rights, and the way back stays open.
/// </summary>
[EveryVersion]
public sealed class StrangersObjectsTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        INSERT INTO items SELECT n, 1 + n % 2 FROM generate_series(1, 20) n;
        """;

    const string Forward = "SELECT pubname::text FROM pg_publication WHERE starts_with(pubname, 'tenant_promotion_')";

    [Theory]
    [InlineData(
        "FUNCTION planted()",
        "CREATE FUNCTION planted() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'"
    )]
    [SoakData("VIEW planted", "CREATE VIEW planted AS SELECT current_user AS name")]
    [SoakData("TYPE planted", "CREATE TYPE planted AS (name text)")]
    public async Task An_object_that_a_stranger_makes_meanwhile_does_not_become_the_migrators(string what, string sql)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        var stranger = await StrangerAsync(move.Shared);

        for (var run = 0; run < 3; run++)
        {
            var refusal = await Assert.ThrowsAsync<MigratorException>(() =>
                move.PromoteMeddledAsync(
                    PhaseName.BuildSchema,
                    () => run > 0 ? Task.CompletedTask : move.Shared.ExecuteAsync(sql, role: stranger)
                )
            );
            Assert.Contains(stranger, refusal.Message);
            Assert.Contains("planted", refusal.Message);
        }

        Assert.Equal(
            0,
            await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM pg_proc WHERE proname = 'planted'")
        );
        Assert.Equal("shared", await move.ModeAsync());
        await move.Shared.ExecuteAsync($"DROP {what}", role: stranger);
        await move.PromoteAsync(validate: false);
        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    // The function in the tenant's database belongs to the migrator's role, and CREATE OR REPLACE leaves an owner alone.
    [Fact]
    public async Task A_function_in_the_place_of_ours_does_not_run_as_ours()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema + "CREATE FUNCTION planted() RETURNS text LANGUAGE sql AS 'SELECT 1'"
        );
        var stranger = await StrangerAsync(move.Shared);
        const string planted =
            "CREATE FUNCTION planted() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'";

        var stopped = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.BuildSchema,
                async () =>
                {
                    await move.Shared.ExecuteAsync("DROP FUNCTION planted()");
                    await move.Shared.ExecuteAsync(planted, role: stranger);
                }
            )
        );

        Assert.Contains("function public.planted()", stopped.Message);
        Assert.False(await move.Isolated.ScalarAsync<bool>("SELECT prosecdef FROM pg_proc WHERE proname = 'planted'"));
        await move.RollBackAsync();
    }

    [Theory]
    [SoakData("CREATE TABLE planted (id int PRIMARY KEY, tenant_id bigint); INSERT INTO planted VALUES (1, 1)")]
    [SoakData("CREATE TABLE planted (id int PRIMARY KEY); INSERT INTO planted VALUES (1)")]
    [InlineData("CREATE TABLE planted (tenant_id bigint); GRANT ALL ON planted TO PUBLIC")]
    [SoakData("CREATE TABLE planted (tenant_id bigint REFERENCES tenants ON DELETE CASCADE)")]
    [InlineData(
        """
            CREATE TABLE planted (id int);
            CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            DO $$ DECLARE name text; BEGIN
                FOREACH name IN ARRAY ARRAY['arrival', 'fence_write', left(encode(sha256('1'), 'hex'), 12) || '_insert'] LOOP
                    EXECUTE format('CREATE TRIGGER %I BEFORE INSERT ON planted EXECUTE FUNCTION planted()',
                                   '~tenant_promotion_' || name);
                END LOOP;
            END $$
            """
    )]
    [InlineData("CREATE EXTENSION hstore SCHEMA tenant_promotion")]
    [SoakData(
        "CREATE FUNCTION planted(bigint) RETURNS text LANGUAGE sql AS 'SELECT 1'; CREATE VIEW planted AS SELECT 1 AS id"
    )]
    public async Task What_a_stranger_makes_in_the_shared_database_after_the_flip_stops_no_verb(string sql)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        var stranger = await StrangerAsync(move.Shared);
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync(sql, role: stranger);
        await RequireHealthyAsync(move);

        await move.RollBackAsync();

        Assert.Equal(20, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
        await move.Shared.ExecuteAsync($"DROP OWNED BY {stranger} CASCADE", role: stranger);
        await move.Shared.ExecuteAsync("DROP EXTENSION IF EXISTS hstore", role: stranger);
        await move.PromoteAsync(validate: false);
        await GrantAsync(move.Shared, stranger);
        await move.Shared.ExecuteAsync(sql, role: stranger);

        await move.FinalizeAsync();

        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
        await RequireHealthyAsync(move);
        await move.ForgetAsync();
    }

    [Fact]
    public async Task A_table_that_the_application_makes_in_the_tenants_database_is_named_with_its_owner()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        var stranger = await StrangerAsync(move.Isolated);
        await move.Isolated.ExecuteAsync("CREATE TABLE planted (id int)", role: stranger);

        await move.Isolated.ExecuteAsync("CREATE SEQUENCE sown", role: stranger);
        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains($"table public.planted, which belongs to {stranger}", refusal.Message);
        await GrantAsync(move.Shared, stranger);
        await move.Shared.ExecuteAsync("CREATE TABLE planted (tenant_id bigint); CREATE SEQUENCE sown", role: stranger);
        refusal = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());
        Assert.Contains($"table public.planted belongs to {stranger}", refusal.Message);
        await move.Isolated.ExecuteAsync("DROP TABLE planted", role: stranger);
        await move.RollBackAsync();
        Assert.Equal(20, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    public async Task A_publication_with_our_name_is_named_before_and_passed_over_after()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        var stranger = await StrangerAsync(move.Shared);
        var name = "";
        await move.PromoteMeddledAsync(
            PhaseName.BuildSchema,
            async () => name = await move.Shared.ScalarAsync<string>(Forward)
        );
        await move.Shared.ExecuteAsync(
            $"CREATE PUBLICATION {name}; CREATE PUBLICATION tenant_promotion_trial",
            role: stranger
        );

        await move.RollBackAsync();

        Assert.Equal(20, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync(validate: false));
        Assert.Equal(ExitCode.Refused, refusal.Code);
        Assert.Contains($"{name} belongs to {stranger}", refusal.Message);
        await move.Shared.ExecuteAsync($"DROP PUBLICATION {name}", role: stranger);
        await move.PromoteAsync(validate: false);
    }

    [Fact]
    public async Task A_database_with_a_tenants_name_and_our_schema_does_not_stop_the_doctor()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        var stranger = Servers.NewName("stranger");
        await servers.Shared.CreateRoleAsync(stranger, "LOGIN CREATEDB");
        await using var planted = await TestDatabase.CreateAsync(
            servers.Shared,
            move.TargetName.Replace("acme", "bolt"),
            stranger
        );
        await planted.ExecuteAsync(
            """
            CREATE SCHEMA tenant_promotion;
            CREATE TABLE tenant_promotion.owner (tenant_key text);
            GRANT ALL ON SCHEMA tenant_promotion TO PUBLIC;
            GRANT ALL ON ALL TABLES IN SCHEMA tenant_promotion TO PUBLIC;
            """
        );

        var diagnosis = await new OrphanFinder(move.Settings).LookAsync(TestContext.Current.CancellationToken);

        Assert.Empty(diagnosis.Orphans);
        Assert.Contains(stranger, Assert.Single(diagnosis.Warnings));
    }

    static async Task RequireHealthyAsync(TenantMove move) =>
        Assert.Empty((await new OrphanFinder(move.Settings).LookAsync(TestContext.Current.CancellationToken)).Orphans);

    [Theory]
    [InlineData("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")]
    [InlineData("CREATE TEMPORARY TABLE own (tenant_id bigint, mood text)")]
    [SoakData("SELECT lo_create(0)")]
    public async Task What_any_login_can_make_stops_no_promotion_at_any_time(string sql)
    {
        var mover = Servers.NewName("mover");
        foreach (var cluster in (EmbeddedCluster[])[servers.Shared, servers.Dedicated])
            await cluster.CreateRoleAsync(mover, "LOGIN CREATEDB REPLICATION");
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated, owner: mover);
        await using var before = await LoginAsync();

        await using var meanwhile = new Sessions();
        await move.PromoteAsync(
            move.Options(),
            phase =>
            {
                if (phase is PhaseName.BuildSchema or PhaseName.Verify or PhaseName.CutOver)
                    meanwhile.Add(Task.Run(LoginAsync).GetAwaiter().GetResult());
            }
        );

        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM items"));
        await move.RollBackAsync();

        // A temporary table is there as long as its session is.
        async Task<NpgsqlConnection> LoginAsync()
        {
            var login = Servers.NewName("login");
            await servers.Shared.CreateRoleAsync(login, "LOGIN");
            var session = await move.Shared.OpenAsync(login);
            await using var command = new NpgsqlCommand(sql, session);
            await command.ExecuteNonQueryAsync();
            return session;
        }
    }

    sealed class Sessions : List<NpgsqlConnection>, IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var session in this)
                await session.DisposeAsync();
        }
    }

    static async Task<string> StrangerAsync(TestDatabase database)
    {
        var role = Servers.NewName("stranger");
        await database.Cluster.CreateRoleAsync(role, "LOGIN");
        await GrantAsync(database, role);
        return role;
    }

    // What 'GRANT ALL' on everything gives.
    static Task GrantAsync(TestDatabase database, string role) =>
        database.ExecuteAsync(
            $"""
            GRANT ALL ON DATABASE "{database.Name}" TO {role};
            GRANT ALL ON SCHEMA public TO {role};
            GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
            """,
            role: EmbeddedCluster.Superuser
        );
}
