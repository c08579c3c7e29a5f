using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Security;

/// <summary>
/// The owner of the application's schema decides what a cast, a CHECK, a domain, a generated column or an index evaluates,
/// in the sessions of whoever reads and writes the rows. Those sessions have no right that the owner lacks.
/// </summary>
public sealed class PlantedCodeTests(Servers servers)
{
    // RESET ROLE first: a session that has only put on another role would be itself again.
    static string Plant(string owner, string administrator) =>
        $$"""
            CREATE TABLE loot (site text, login text DEFAULT session_user);
            CREATE FUNCTION attempt(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
                BEGIN EXECUTE statement; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
            CREATE FUNCTION strike(site text) RETURNS boolean LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM public.attempt('RESET ROLE');
                    PERFORM public.attempt('RESET SESSION AUTHORIZATION');
                    PERFORM public.attempt('SET ROLE {{administrator}}');
                    PERFORM public.attempt('GRANT pg_execute_server_program TO {{owner}}');
                    PERFORM public.attempt('ALTER ROLE {{owner}} CREATEROLE REPLICATION');
                    PERFORM public.attempt('GRANT {{administrator}} TO {{owner}}');
                    PERFORM public.attempt('ALTER ROLE {{administrator}} PASSWORD ''known''');
                    PERFORM public.attempt('SELECT pg_create_physical_replication_slot(''stolen'', false)');
                    PERFORM public.attempt(format('INSERT INTO public.loot VALUES (%L)', site));
                    RETURN true;
                END $$;
            CREATE FUNCTION calm_strike(site text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
                'BEGIN RETURN public.strike(site); END';
            CREATE TYPE mood AS ENUM ('calm', 'busy');
            CREATE FUNCTION mood_text(mood) RETURNS text LANGUAGE plpgsql AS
                'BEGIN PERFORM public.strike(''cast''); RETURN enum_out($1); END';
            CREATE CAST (mood AS text) WITH FUNCTION mood_text(mood);
            CREATE DOMAIN amount AS int CHECK (strike('domain'));
            CREATE TABLE items (
                id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, feel mood NOT NULL DEFAULT 'calm',
                price amount, note text CHECK (strike('check')),
                made boolean GENERATED ALWAYS AS (calm_strike('generated')) STORED);
            CREATE INDEX ON items ((calm_strike('index')));
            INSERT INTO items (id, tenant_id, price) SELECT n, 1 + n % 2, n FROM generate_series(1, 20) n;
            TRUNCATE loot;
            """;

    [Theory]
    [InlineData(PromotionOptions.Online, false)]
    [InlineData(PromotionOptions.Online, true)]
    [SoakData(PromotionOptions.Fenced, false)]
    public async Task What_the_owner_plants_has_no_more_rights_than_the_owner(string mode, bool otherServer)
    {
        var (owner, worker) = (Servers.NewName("owner"), Servers.NewName("worker"));
        var administrator = Servers.NewName("administrator");
        EmbeddedCluster[] clusters = otherServer ? [servers.Shared, servers.Dedicated] : [servers.Shared];
        foreach (var cluster in clusters)
            await CreateRolesAsync(cluster, owner, worker, administrator);
        var slug = owner.Replace('_', '-');
        await using var move = new TenantMove(
            await EmptyAsync(owner, worker, slug),
            slug,
            otherServer ? servers.Dedicated : null,
            tenancy: new() { Ignored = [new("public", "loot")] }
        )
        {
            Administrator = administrator,
            Mode = mode,
        };
        await move.Shared.ExecuteAsync(Plant(owner, administrator), role: owner);

        await move.PromoteAsync(validate: false);
        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM items"));
        await move.Isolated.ExecuteAsync("INSERT INTO items (id, tenant_id, price) VALUES (100, 1, 1)");
        await RequireNothingGainedAsync(move.Isolated, owner, worker);
        await move.RollBackAsync();

        Assert.Equal(21, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
        await RequireNothingGainedAsync(move.Shared, owner, worker);
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        await RequireNothingGainedAsync(move.Shared, owner, worker);
    }

    static async Task RequireNothingGainedAsync(TestDatabase database, string owner, string worker)
    {
        Assert.Equal(
            [worker],
            await database.QueryAsync<string>(
                "SELECT DISTINCT login FROM loot WHERE login <> @owner",
                new { owner },
                EmbeddedCluster.Superuser
            )
        );
        Assert.Equal(
            0,
            await database.ScalarAsync<long>(
                """
                SELECT (SELECT count(*) FROM pg_auth_members m WHERE m.member = CAST(@owner AS regrole))
                     + (SELECT count(*) FROM pg_roles WHERE rolname = @owner AND (rolcreaterole OR rolreplication))
                     + (SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'stolen')
                """,
                new { owner },
                EmbeddedCluster.Superuser
            )
        );
    }

    static async Task CreateRolesAsync(EmbeddedCluster cluster, string owner, string worker, string administrator)
    {
        await cluster.CreateRoleAsync(owner, "LOGIN");
        await cluster.CreateRoleAsync(worker, "LOGIN");
        await cluster.CreateRoleAsync(administrator, "LOGIN CREATEDB REPLICATION");
        await new TestDatabase(cluster, "postgres", EmbeddedCluster.Superuser).ExecuteAsync(
            $"GRANT {owner} TO {worker}; GRANT {worker} TO {administrator}"
        );
    }

    async Task<TestDatabase> EmptyAsync(string owner, string worker, string slug)
    {
        var database = await servers.NewDatabaseAsync(worker, "planted");
        await database.ExecuteAsync(
            $$"""
            GRANT CREATE ON SCHEMA public TO {{owner}};
            SET ROLE {{owner}};
            CREATE TABLE tenants (
                id bigint PRIMARY KEY, slug text NOT NULL UNIQUE,
                isolation_mode text NOT NULL DEFAULT 'shared', settings jsonb NOT NULL DEFAULT '{}');
            INSERT INTO tenants (id, slug) VALUES (1, '{{slug}}'), (2, 'bolt');
            """,
            role: EmbeddedCluster.Superuser
        );
        return database;
    }
}
