using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>Preflight names everything that stands in the way, each with its remedy, and changes nothing.</summary>
public sealed class PreflightTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL);
        INSERT INTO notes (tenant_id) VALUES (1), (2);
        """;

    static readonly string[] FaultsAndRemedies =
    [
        "public.codes",
        "\"reference\": [",
        "public.forced has FORCE ROW LEVEL SECURITY",
        "BYPASSRLS",
        "public.not_ours",
        "GRANT \"postgres\" TO",
        "public.elsewhere is a foreign table",
        "not empty and was not made for this tenant",
        "--target",
    ];

    [Fact]
    public async Task All_faults_are_named_at_once_each_with_its_remedy_and_nothing_is_changed()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Notes
                + """
                CREATE TABLE codes (code text);
                CREATE TABLE forced (tenant_id bigint);
                ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
                """
        );
        await move.Shared.ExecuteAsync(
            """
            CREATE TABLE not_ours (tenant_id bigint);
            CREATE FOREIGN DATA WRAPPER nowhere;
            CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
            CREATE FOREIGN TABLE elsewhere (tenant_id bigint) SERVER nowhere;
            """,
            role: EmbeddedCluster.Superuser
        );
        await using var stranger = await TestDatabase.CreateAsync(move.Server, move.TargetName, Servers.Admin);
        await stranger.ExecuteAsync("CREATE TABLE precious (id integer); INSERT INTO precious VALUES (1)");
        await using var before = await Snapshot.OfAsync(move.Shared);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains("nothing was changed", refused.Message);
        Assert.All(FaultsAndRemedies, part => Assert.Contains(part, refused.Message));
        Assert.Empty(await before.ChangesAsync());
        Assert.False(await TenantMove.HasOwnSchemaAsync(move.Shared));
        Assert.Equal(1, await stranger.ScalarAsync<int>("SELECT id FROM precious"));
    }

    [Fact]
    public async Task Rights_that_are_missing_are_named_one_by_one()
    {
        var role = Servers.NewName("poor");
        await servers.Shared.CreateRoleAsync(role, "LOGIN");
        await using var move = await TenantMove.CreateAsync(servers, Notes, owner: role);
        await move.Shared.ExecuteAsync(
            $"""
            ALTER DATABASE {move.Shared.Name} OWNER TO postgres;
            REVOKE ALL ON DATABASE {move.Shared.Name} FROM PUBLIC, {role};
            GRANT CONNECT ON DATABASE {move.Shared.Name} TO {role}
            """,
            role: EmbeddedCluster.Superuser
        );

        var faults = (await move.PreflightAsync()).Faults;

        Assert.Contains(
            faults,
            fault => fault.Contains($"GRANT CREATE ON DATABASE \"{move.Shared.Name}\" TO \"{role}\"")
        );
        Assert.Contains(
            faults,
            fault => fault.Contains($"GRANT TEMPORARY ON DATABASE \"{move.Shared.Name}\" TO \"{role}\"")
        );
        Assert.Contains(faults, fault => fault.Contains($"ALTER ROLE \"{role}\" CREATEDB"));
    }

    [Fact]
    public async Task A_database_made_for_a_role_that_may_not_make_one_will_do()
    {
        var role = Servers.NewName("poor");
        await servers.Shared.CreateRoleAsync(role, "LOGIN REPLICATION");
        await using var move = await TenantMove.CreateAsync(servers, Notes, owner: role);
        await move.Server.CreateDatabaseAsync(move.TargetName, role, TestContext.Current.CancellationToken);

        await move.PromoteAsync(validate: false);

        Assert.Equal(1, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Theory]
    [InlineData("ALTER TABLE tenants DROP COLUMN settings", "ADD COLUMN \"settings\" jsonb")]
    [InlineData("ALTER TABLE tenants DROP COLUMN isolation_mode", "ADD COLUMN \"isolation_mode\" text")]
    [InlineData(
        "ALTER TABLE tenants RENAME COLUMN slug TO short_name",
        "Name the key and slug columns in tenancy.json"
    )]
    [InlineData("ALTER TABLE tenants RENAME COLUMN id TO number", "Name the key and slug columns in tenancy.json")]
    [InlineData("ALTER TABLE tenants RENAME TO customers", "has no table public.tenants")]
    [InlineData("UPDATE tenants SET isolation_mode = 'moving'", "isolation mode 'moving'")]
    [InlineData(
        """
            ALTER TABLE tenants DROP CONSTRAINT tenants_slug_key;
            INSERT INTO tenants (id, slug) SELECT 3, slug FROM tenants WHERE id = 1
            """,
        "2 rows of public.tenants have the slug"
    )]
    public async Task A_tenants_table_of_another_shape_is_told_with_the_way_to_name_it(string change, string sentence)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes + change);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains(sentence, refused.Message);
        Assert.False(await move.IsolatedExistsAsync());
    }

    [Fact]
    public async Task Other_names_in_the_settings_are_all_it_takes()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            ALTER TABLE tenants RENAME TO customers;
            ALTER TABLE customers RENAME id TO number;
            ALTER TABLE customers RENAME slug TO short;
            ALTER TABLE customers RENAME isolation_mode TO mode;
            ALTER TABLE customers RENAME settings TO options;
            CREATE TABLE notes (id bigserial PRIMARY KEY, customer bigint NOT NULL REFERENCES customers);
            INSERT INTO notes (customer) VALUES (1), (2);
            """,
            tenancy: new()
            {
                Table = new("public", "customers"),
                KeyColumn = "number",
                SlugColumn = "short",
                ModeColumn = "mode",
                SettingsColumn = "options",
                TenantColumn = "customer",
            }
        );

        await move.PromoteAsync();
        Assert.Equal("isolated", await move.Shared.ScalarAsync<string>("SELECT mode FROM customers WHERE number = 1"));
        Assert.Equal([1L], await move.Isolated.QueryAsync<long>("SELECT customer FROM notes"));
        await move.RollBackAsync(dropIsolated: true);

        Assert.Equal("shared", await move.Shared.ScalarAsync<string>("SELECT mode FROM customers WHERE number = 1"));
    }

    [Fact]
    public async Task An_isolated_tenant_is_not_promoted_twice()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync();

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains("is isolated already", refused.Message);
        Assert.Contains($"migrator rollback --tenant-slug={move.Slug}", refused.Message);
    }

    [Fact]
    public async Task What_a_person_should_know_besides_is_a_warning()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Notes
                + """
                CREATE UNLOGGED TABLE scratch (tenant_id bigint);
                CREATE TABLE blobs (tenant_id bigint, content oid);
                CREATE TABLE films (tenant_id bigint, year integer, film bytea, PRIMARY KEY (tenant_id, year))
                    PARTITION BY RANGE (year);
                CREATE TABLE films_2000 PARTITION OF films FOR VALUES FROM (2000) TO (3000);
                ALTER TABLE films_2000 ALTER film SET STORAGE EXTERNAL;
                INSERT INTO films SELECT 1, 2000, convert_to(repeat('x', 70000000), 'UTF8');
                INSERT INTO films SELECT 2, 2000, convert_to(repeat('x', 140000000), 'UTF8');
                """
        );
        await move.Shared.ExecuteAsync("CREATE PUBLICATION everything FOR ALL TABLES", role: EmbeddedCluster.Superuser);

        var preflight = await move.PreflightAsync();

        Assert.Empty(preflight.Faults);
        foreach (
            var part in (string[])
                [
                    "public.scratch is unlogged",
                    "public.blobs.content may refer to large objects",
                    "Publication everything",
                    "public.films.film has a value of 70 MB",
                ]
        )
            Assert.Contains(preflight.Warnings, warning => warning.Contains(part));
        Assert.Contains(preflight.Plan, table => table.Table.Name.Name == "notes");
    }

    [Theory]
    [InlineData("oid", "lo_from_bytea(0, 'x')")]
    [InlineData("lo", "lo_from_bytea(0, 'x')")]
    [InlineData("oid[]", "ARRAY[NULL, lo_from_bytea(0, 'x')]")]
    public async Task Rows_that_name_large_objects_are_refused(string type, string value)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"""
            CREATE EXTENSION lo;
            CREATE TABLE files (id int PRIMARY KEY, tenant_id bigint, content {type});
            INSERT INTO files SELECT n, 1 + n % 2, {value} FROM generate_series(1, 6) n;
            INSERT INTO files VALUES (7, 1, NULL);
            """
        );

        var fault = Assert.Single((await move.PreflightAsync()).Faults);

        Assert.StartsWith("3 rows of public.files name large objects in column content.", fault);
    }
}
