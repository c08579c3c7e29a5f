using Migrator.Connections;
using Migrator.Demo;
using Migrator.Doctor;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Tests.Support;

namespace Migrator.Tests.Security;

/// <summary>A role that may create schemas makes the migrator's before the migrator does.</summary>
[EveryVersion]
public sealed class PlantedSchemaTests(Servers servers)
{
    // Runs with the rights of whoever writes or reads.
    const string Trap = """
        CREATE TABLE public.caught (who text);
        GRANT ALL ON public.caught TO PUBLIC;
        CREATE FUNCTION tenant_promotion.trap() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO public.caught VALUES (current_user); RETURN NEW; END $$;
        CREATE FUNCTION tenant_promotion.peek() RETURNS bigint LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO public.caught VALUES (current_user); RETURN 1; END $$;
        """;

    public static TheoryData<string, string> Planted =>
        new()
        {
            { "an empty schema", "CREATE SCHEMA tenant_promotion; GRANT ALL ON SCHEMA tenant_promotion TO PUBLIC;" },
            {
                "a journal with a trigger, and a guard",
                $"""
                    CREATE SCHEMA tenant_promotion; GRANT ALL ON SCHEMA tenant_promotion TO PUBLIC;
                    {Trap}
                    CREATE TABLE tenant_promotion.phase (promotion_id bigint NOT NULL, name text NOT NULL,
                        started_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz, facts jsonb DEFAULT '{"{}"}',
                        PRIMARY KEY (promotion_id, name));
                    CREATE TRIGGER t BEFORE INSERT OR UPDATE ON tenant_promotion.phase
                        FOR EACH ROW EXECUTE FUNCTION tenant_promotion.trap();
                    CREATE TABLE tenant_promotion.guard (tenant_key text PRIMARY KEY, tenant_slug text NOT NULL,
                        state text NOT NULL, pass text NOT NULL, changed_at timestamptz NOT NULL DEFAULT now());
                    GRANT ALL ON ALL TABLES IN SCHEMA tenant_promotion TO PUBLIC;
                    """
            },
            {
                "views in the place of tables",
                $"""
                    CREATE SCHEMA tenant_promotion; GRANT ALL ON SCHEMA tenant_promotion TO PUBLIC;
                    {Trap}
                    CREATE VIEW tenant_promotion.digest AS SELECT tenant_promotion.peek() AS rows;
                    CREATE VIEW tenant_promotion.promotion AS SELECT tenant_promotion.peek() AS id, '1'::text AS tenant_key;
                    CREATE VIEW tenant_promotion.guard AS SELECT tenant_promotion.peek()::text AS tenant_key;
                    CREATE VIEW tenant_promotion.owner AS SELECT tenant_promotion.peek()::text AS tenant_key;
                    GRANT ALL ON ALL TABLES IN SCHEMA tenant_promotion TO PUBLIC;
                    """
            },
        };

    [Theory, MemberData(nameof(Planted))]
    public async Task No_verb_uses_a_schema_that_somebody_else_made_in_the_shared_database(string what, string sql)
    {
        await using var move = await MoveAsync();
        await AsApplicationAsync(move.Shared, sql);

        foreach (var verb in Verbs(move))
        {
            var refusal = await Assert.ThrowsAsync<MigratorException>(verb);
            Assert.True(refusal.Code == ExitCode.Refused, what);
            Assert.Contains($"schema tenant_promotion ({SampleDatabase.Application})", refusal.Message);
        }
        await AssertNothingRanAsync(move.Shared);
        Assert.False(await move.IsolatedExistsAsync());
    }

    [Theory, MemberData(nameof(Planted))]
    public async Task A_kept_database_whose_schema_somebody_else_made_is_not_used(string what, string sql)
    {
        await using var move = await MoveAsync();
        await move.PromoteAsync(validate: false);
        await move.RollBackAsync();
        await move.Isolated.ExecuteAsync("DROP SCHEMA tenant_promotion CASCADE");
        await AsApplicationAsync(move.Isolated, sql);

        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync(validate: false));

        Assert.True(refusal.Code == ExitCode.Refused, what);
        Assert.Contains("tenant_promotion", refusal.Message);
        await AssertNothingRanAsync(move.Isolated);
    }

    [Fact]
    public async Task One_function_of_somebody_else_in_our_schema_is_enough()
    {
        await using var move = await MoveAsync();
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync($"GRANT ALL ON SCHEMA tenant_promotion TO {SampleDatabase.Application}");
        await move.Shared.ExecuteAsync(
            "CREATE FUNCTION tenant_promotion.hold(key varchar) RETURNS void LANGUAGE sql AS ''",
            role: SampleDatabase.Application
        );

        var refusal = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains($"function hold ({SampleDatabase.Application})", refusal.Message);
        await move.Shared.ExecuteAsync("DROP FUNCTION tenant_promotion.hold(varchar)", role: EmbeddedCluster.Superuser);
        await move.RollBackAsync();
    }

    Task<TenantMove> MoveAsync() =>
        TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE items (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
            INSERT INTO items VALUES (1, 1), (2, 2)
            """
        );

    // What 'GRANT ALL ON DATABASE' of every tutorial allows.
    static async Task AsApplicationAsync(TestDatabase database, string sql)
    {
        await database.ExecuteAsync(
            $"""
            GRANT ALL ON DATABASE "{database.Name}" TO {SampleDatabase.Application};
            GRANT ALL ON SCHEMA public TO {SampleDatabase.Application};
            """
        );
        await database.ExecuteAsync(sql, role: SampleDatabase.Application);
    }

    static IEnumerable<Func<Task>> Verbs(TenantMove move) =>
        [
            () => move.PromoteAsync(validate: false),
            () => move.RollBackAsync(),
            () => move.FinalizeAsync(),
            () => new OrphanFinder(move.Settings).LookAsync(TestContext.Current.CancellationToken),
            async () =>
            {
                await using var databases = Databases.For(move.Settings, SlugOf(move));
                await StatusReader.ReadAsync(
                    move.Settings,
                    databases,
                    SlugOf(move),
                    TestContext.Current.CancellationToken
                );
            },
        ];

    static Slug SlugOf(TenantMove move) =>
        Slug.TryParse(move.Slug, out var slug) ? slug : throw new InvalidOperationException();

    static async Task AssertNothingRanAsync(TestDatabase database)
    {
        if (await database.ScalarAsync<bool>("SELECT to_regclass('public.caught') IS NOT NULL"))
            Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM public.caught"));
    }
}
