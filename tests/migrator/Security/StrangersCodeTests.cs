using Migrator.Doctor;
using Migrator.Embedded;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Security;

/// <summary>
/// A role that owns nothing of the application's puts code where the migrator's sessions would run it: behind a foreign key, on
/// a table that it may put triggers on, in a table that the migrator would only read.
/// </summary>
[EveryVersion]
public sealed class StrangersCodeTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE plans (id int PRIMARY KEY);
        CREATE TABLE items (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, plan_id int NOT NULL REFERENCES plans);
        INSERT INTO plans VALUES (1);
        INSERT INTO items SELECT n, 1 + n % 2, 1 FROM generate_series(1, 20) n;
        """;

    // Notes whose session it runs in.
    const string Strike = """
        CREATE TABLE loot (site text, login text DEFAULT session_user);
        GRANT ALL ON loot TO PUBLIC;
        CREATE FUNCTION strike(site text) RETURNS boolean LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.loot VALUES (site); RETURN true; END $$;
        CREATE FUNCTION calm_strike(site text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
            $$ BEGIN RETURN public.strike(site); END $$;
        CREATE FUNCTION struck() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM public.strike(TG_NAME); RETURN coalesce(NEW, OLD); END $$;
        """;

    public static TheoryData<string> Keys =>
        [
            """
                CREATE TABLE planted (item int REFERENCES items ON DELETE CASCADE);
                CREATE CONSTRAINT TRIGGER late AFTER DELETE ON planted DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION struck();
                """,
            "CREATE TABLE planted (item int REFERENCES items); CREATE INDEX ON planted (item) WHERE calm_strike('index')",
        ];

    [Theory, MemberData(nameof(Keys))]
    public async Task Finalize_runs_nothing_behind_a_strangers_foreign_key(string sql)
    {
        await using var move = await MoveAsync();
        await move.PromoteAsync(validate: false);
        var stranger = await StrangerAsync(move, Strike + sql);
        await move.Shared.ExecuteAsync("INSERT INTO planted VALUES (2); TRUNCATE loot", role: stranger);

        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync());

        Assert.Contains(
            $"planted_item_fkey of planted, which belongs to {stranger}",
            refusal.Message.Replace("public.", "")
        );
        Assert.Empty(await LootAsync(move));
        await move.Shared.ExecuteAsync("ALTER TABLE planted DROP CONSTRAINT planted_item_fkey", role: stranger);
        await move.FinalizeAsync();
        Assert.Empty(await LootAsync(move));
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_rollback_runs_nothing_behind_a_strangers_foreign_key(string mode)
    {
        await using var move = await MoveAsync();
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        var stranger = await StrangerAsync(move, Strike + Keys.First().Data);
        await move.Shared.ExecuteAsync("INSERT INTO planted VALUES (2); TRUNCATE loot", role: stranger);
        await move.Isolated.ExecuteAsync("DELETE FROM items WHERE id = 2");

        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains(stranger, refusal.Message);
        Assert.Equal("isolated", await move.ModeAsync());
        Assert.Empty(await LootAsync(move));
        await move.Shared.ExecuteAsync("ALTER TABLE planted DROP CONSTRAINT planted_item_fkey", role: stranger);
        await move.RollBackAsync();
        Assert.Equal(19, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
        Assert.Empty(await LootAsync(move));
    }

    [Fact]
    public async Task A_strangers_trigger_on_a_table_of_everybody_does_not_run_as_ours()
    {
        await using var move = await MoveAsync();
        await move.PromoteAsync(validate: false);
        var stranger = await StrangerAsync(
            move,
            Strike + "CREATE TRIGGER planted BEFORE INSERT ON plans FOR EACH ROW EXECUTE FUNCTION struck()"
        );
        await move.Isolated.ExecuteAsync("INSERT INTO plans VALUES (2); INSERT INTO items VALUES (101, 1, 2)");

        await move.RollBackAsync();

        Assert.Equal(2, await move.Shared.ScalarAsync<int>("SELECT max(id) FROM plans"));
        Assert.Empty(await LootAsync(move));
        await move.Shared.ExecuteAsync("INSERT INTO plans VALUES (3)", role: stranger);
        Assert.Equal(1, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM loot"));
    }

    [Fact]
    public async Task No_trigger_comes_to_a_table_between_the_look_for_triggers_and_the_write()
    {
        await using var move = await MoveAsync();
        var stranger = await StrangerAsync(move, Strike);
        await using var run = await move.Shared.OpenAsync();
        await using var transaction = await run.BeginTransactionAsync(TestContext.Current.CancellationToken);

        var resumption = await TriggerDisabling.DisableAsync(
            run,
            [new("public", "plans")],
            TestContext.Current.CancellationToken
        );

        Assert.Null(resumption);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() =>
            move.Shared.ExecuteAsync(
                """
                SET lock_timeout = '100ms';
                CREATE TRIGGER planted BEFORE INSERT ON plans FOR EACH ROW EXECUTE FUNCTION struck()
                """,
                role: stranger
            )
        );
        Assert.Equal(PostgresErrorCodes.LockNotAvailable, refusal.SqlState);
        await move.Shared.ExecuteAsync("SET lock_timeout = '100ms'; INSERT INTO plans VALUES (9)");
    }

    [Fact]
    public async Task A_strangers_trigger_that_changes_rows_behind_the_guard_is_found()
    {
        await using var move = await MoveAsync();
        await move.PromoteAsync(validate: false);
        var stranger = await StrangerAsync(
            move,
            """
            CREATE FUNCTION turned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.tenant_id := 1; RETURN NEW; END $$;
            CREATE TRIGGER "é" BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION turned()
            """
        );
        await move.Shared.ExecuteAsync("INSERT INTO items VALUES (900, 2, 1)", role: stranger);

        var diagnosis = await new OrphanFinder(move.Settings).LookAsync(TestContext.Current.CancellationToken);
        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains("public\".\"items", Assert.Single(diagnosis.Orphans).Problem);
        Assert.Equal(ExitCode.Different, refusal.Code);
        Assert.Contains("public.items", refusal.Message);
    }

    // What runs in a transaction that is read-only can say that it ran, and read whatever we may read.
    [Theory]
    [InlineData("CREATE TABLE planted (tenant_id bigint, CHECK (calm_shout(tenant_id)))")]
    [InlineData("CREATE TABLE planted (tenant_id bigint); CREATE INDEX ON planted (tenant_id) WHERE calm_shout(1)")]
    [InlineData("CREATE TABLE planted (id int); CREATE INDEX ON planted (id) WHERE calm_shout(1)")]
    public async Task A_look_at_the_tables_runs_nothing_of_strangers(string sql)
    {
        await using var move = await MoveAsync();
        var stranger = await StrangerAsync(
            move,
            $$"""
            CREATE FUNCTION calm_shout(bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
                BEGIN
                    IF session_user = '{{Servers.Admin}}' THEN RAISE EXCEPTION 'struck as %', current_user; END IF;
                    RETURN true;
                END $$;
            {{sql}};
            INSERT INTO planted VALUES (1);
            GRANT ALL ON planted TO PUBLIC;
            """
        );
        await Assert.ThrowsAsync<PostgresException>(() => move.Shared.ExecuteAsync("SELECT calm_shout(1)"));

        var preflight = await move.PreflightAsync();
        var (code, output, error) = await InjectedFault.SayAsync(move, "scope", $"--tenant-slug={move.Slug}");
        var (suggested, file, notes) = await InjectedFault.SayAsync(
            move,
            "scope",
            $"--tenant-slug={move.Slug}",
            "--suggest"
        );

        Assert.Contains(preflight.Faults, fault => fault.Contains(stranger) && fault.Contains("public.planted"));
        Assert.True(code == 0, error);
        Assert.Contains("public.planted", error);
        Assert.DoesNotContain("planted", output);
        Assert.True(suggested == 0, notes);
        Assert.DoesNotContain("planted", file);
    }

    [Fact]
    public async Task A_database_that_a_stranger_has_made_for_the_tenant_is_not_used()
    {
        await using var move = await MoveAsync();
        var stranger = Servers.NewName("stranger");
        await servers.Shared.CreateRoleAsync(stranger, "LOGIN CREATEDB");
        await using var planted = await TestDatabase.CreateAsync(servers.Shared, move.TargetName, stranger);
        await planted.ExecuteAsync(
            $"GRANT ALL ON DATABASE {move.TargetName} TO PUBLIC; GRANT ALL ON SCHEMA public TO PUBLIC"
        );

        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync(validate: false));

        Assert.Equal(ExitCode.Refused, refusal.Code);
        Assert.Contains($"belongs to {stranger}", refusal.Message);
        await planted.ExecuteAsync(
            $"ALTER DATABASE {move.TargetName} OWNER TO {Servers.Admin}",
            role: EmbeddedCluster.Superuser
        );
        await move.PromoteAsync(validate: false);
    }

    Task<TenantMove> MoveAsync() =>
        TenantMove.CreateAsync(servers, Schema, tenancy: new() { Reference = [new("public", "plans")] });

    static Task<IReadOnlyList<string>> LootAsync(TenantMove move) =>
        move.Shared.QueryAsync<string>(
            "SELECT site || ' as ' || login FROM loot WHERE login = @Admin",
            new { Servers.Admin },
            EmbeddedCluster.Superuser
        );

    // What 'GRANT ALL' on everything gives.
    static async Task<string> StrangerAsync(TenantMove move, string sql)
    {
        var role = Servers.NewName("stranger");
        await move.Shared.Cluster.CreateRoleAsync(role, "LOGIN");
        await move.Shared.ExecuteAsync(
            $"GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
            role: EmbeddedCluster.Superuser
        );
        await move.Shared.ExecuteAsync(sql, role: role);
        return role;
    }
}
