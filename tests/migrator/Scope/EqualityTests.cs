using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>
/// Whose a row is, and which row is meant, is asked with the operator of the constraint or the index; never with what a
/// bare = finds.
/// </summary>
public sealed class EqualityTests(Servers servers)
{
    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_foreign_key_of_citext_brings_every_row_that_the_constraint_brings(string mode)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE EXTENSION citext;
            CREATE TABLE tags (name citext PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
            CREATE TABLE uses (id int PRIMARY KEY, tag citext NOT NULL REFERENCES tags ON DELETE CASCADE);
            INSERT INTO tags VALUES ('Urgent', 1), ('Later', 2);
            INSERT INTO uses VALUES (1, 'Urgent'), (2, 'urgent'), (3, 'URGENT'), (4, 'later');
            """
        );
        move.Mode = mode;

        await move.PromoteAsync(validate: false);

        Assert.Equal(3, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM uses"));
        await move.Isolated.ExecuteAsync(
            "INSERT INTO uses VALUES (5, 'uRgEnT'); UPDATE uses SET tag = 'URGENT' WHERE id = 1"
        );
        await move.RollBackAsync();
        Assert.Equal(
            ["1 URGENT", "2 urgent", "3 URGENT", "4 later", "5 uRgEnT"],
            await move.Shared.QueryAsync<string>("SELECT id || ' ' || tag FROM uses ORDER BY id")
        );
    }

    [Fact]
    public async Task A_closed_guard_knows_a_tenant_key_of_citext_in_every_spelling()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE EXTENSION citext;
            ALTER TABLE tenants ALTER id TYPE citext USING 'Key-' || id;
            CREATE TABLE notes (id int PRIMARY KEY, tenant_id citext NOT NULL REFERENCES tenants);
            INSERT INTO notes VALUES (1, 'Key-1'), (2, 'KEY-1'), (3, 'key-1'), (4, 'key-2');
            """
        );
        move.Mode = PromotionOptions.Fenced;

        await move.PromoteAsync(validate: false);

        Assert.Equal(3, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            move.Shared.ExecuteAsync("INSERT INTO notes VALUES (5, 'kEy-1')")
        );
        Assert.Equal("25006", refused.SqlState);
        await move.FinalizeAsync();
        Assert.Equal(4, await move.Shared.ScalarAsync<int>("SELECT id FROM notes"));
    }

    [Theory]
    [SoakData("varchar(10)")]
    [InlineData("char(10)")]
    public async Task A_key_that_a_column_is_too_narrow_for_is_not_cut_to_another_tenants(string type)
    {
        // Cut to ten characters, acme's key is the other tenant's.
        const string longest = "customer-1";
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"""
            UPDATE tenants SET id = CASE id WHEN '1' THEN '{longest}0' ELSE '{longest}' END;
            CREATE TABLE audit (id int PRIMARY KEY, tenant_id {type}, note text);
            INSERT INTO audit VALUES (1, '{longest}', 'secret of another');
            """,
            keyType: "text"
        );
        move.Mode = PromotionOptions.Fenced;

        await move.PromoteAsync(validate: false);

        Assert.Equal(0, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM audit"));
        await move.Shared.ExecuteAsync($"INSERT INTO audit VALUES (2, '{longest}', 'more')");
        await move.FinalizeAsync();
        Assert.Equal(2, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM audit"));
    }

    [Fact]
    public async Task A_key_beyond_the_range_of_a_column_is_no_error_and_no_row()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            UPDATE tenants SET id = id + 70000;
            CREATE TABLE small (id int PRIMARY KEY, tenant_id smallint);
            INSERT INTO small VALUES (1, 1);
            """
        );

        await move.PromoteAsync(validate: false);

        Assert.Equal(0, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM small"));
    }

    [Theory]
    [SoakData("main boolean", "n % 2 = 0")]
    [SoakData("main inet", "('10.0.0.' || n)::inet")]
    [InlineData("main char(8)", "'k' || n")]
    [InlineData("main int[]", "ARRAY[n, 1]")]
    [SoakData("main ltree", "('a.b' || n)::ltree")]
    [SoakData("main timestamptz", "'2024-01-01 00:00+02'::timestamptz + n * interval '1 hour'")]
    public async Task Rows_of_any_key_that_change_their_tenant_meanwhile_arrive_and_leave(string column, string value)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"""
            {(column.Contains("ltree") ? "CREATE EXTENSION ltree;" : "")}
            CREATE TABLE k (id int NOT NULL, {column} NOT NULL, tenant_id bigint NOT NULL REFERENCES tenants, note text,
                PRIMARY KEY (id, main));
            INSERT INTO k SELECT n, {value}, 1 + n % 2, 'n' FROM generate_series(1, 20) n;
            """
        );

        await move.PromoteMeddledAsync(
            PhaseName.BuildSchema,
            () =>
                move.Shared.ExecuteAsync(
                    "UPDATE k SET tenant_id = 3 - tenant_id WHERE id <= 10;"
                        + "UPDATE k SET note = 'x' WHERE id > 5; DELETE FROM k WHERE id = 20"
                )
        );

        Assert.Equal(
            await move.Shared.QueryAsync<string>("SELECT k::text FROM k WHERE tenant_id = 1 ORDER BY id"),
            await move.Isolated.QueryAsync<string>("SELECT k::text FROM k ORDER BY id")
        );
        await move.Isolated.ExecuteAsync("UPDATE k SET note = 'home'");
        await move.RollBackAsync();
        Assert.Equal(
            0,
            await move.Shared.ScalarAsync<long>("SELECT count(*) FROM k WHERE tenant_id = 1 AND note <> 'home'")
        );
    }

    [Fact]
    public async Task A_primary_key_that_includes_other_columns_is_followed()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE k (id int, code int NOT NULL UNIQUE, tenant_id bigint NOT NULL REFERENCES tenants, note text,
                PRIMARY KEY (tenant_id, id) INCLUDE (note));
            CREATE TABLE parts (id int PRIMARY KEY, tenant_id bigint NOT NULL, k_id int,
                FOREIGN KEY (tenant_id, k_id) REFERENCES k ON UPDATE CASCADE);
            INSERT INTO k SELECT n, n, 1 + n % 2, 'n' FROM generate_series(1, 20) n;
            INSERT INTO parts SELECT n, 1 + n % 2, n FROM generate_series(1, 20) n;
            """
        );

        await move.PromoteMeddledAsync(
            PhaseName.BuildSchema,
            () =>
                move.Shared.ExecuteAsync(
                    "UPDATE k SET note = 'x' WHERE id > 5; UPDATE k SET id = id + 100 WHERE id > 10;"
                        + "UPDATE k SET code = code + 50; DELETE FROM parts WHERE id = 2; DELETE FROM k WHERE id = 2"
                )
        );

        foreach (var table in (string[])["k", "parts"])
            Assert.Equal(
                await move.Shared.QueryAsync<string>($"SELECT t::text FROM {table} t WHERE tenant_id = 1 ORDER BY id"),
                await move.Isolated.QueryAsync<string>($"SELECT t::text FROM {table} t ORDER BY id")
            );
        await move.Isolated.ExecuteAsync("UPDATE k SET note = 'home', id = id + 1000 WHERE id % 4 = 0");
        await move.RollBackAsync();
        Assert.Equal(
            5,
            await move.Shared.ScalarAsync<long>("SELECT count(*) FROM k WHERE tenant_id = 1 AND note = 'home'")
        );
    }

    [Theory]
    [InlineData("ltree", "('a.b' || n)::ltree")]
    [SoakData("citext", "'K' || n")]
    [SoakData("hstore", "hstore('k', n::text)")]
    public async Task The_validation_measures_by_a_key_of_any_type(string type, string value)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            $"""
            CREATE EXTENSION {type};
            CREATE DOMAIN main_key AS {type} CHECK (VALUE IS NOT NULL);
            CREATE TABLE k (main main_key NOT NULL, tenant_id bigint NOT NULL REFERENCES tenants, PRIMARY KEY (tenant_id, main));
            INSERT INTO k SELECT {value}, 1 + n % 2 FROM generate_series(1, 20) n;
            """
        );

        await move.PromoteAsync();

        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM k"));
    }

    [Fact]
    public async Task A_key_with_a_generated_column_is_copied_behind_the_guard()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE ext (tenant_id bigint REFERENCES tenants, k text,
                kk text GENERATED ALWAYS AS (lower(k)) STORED NOT NULL, PRIMARY KEY (tenant_id, kk));
            INSERT INTO ext (tenant_id, k) SELECT 1 + n % 2, 'K' || n FROM generate_series(1, 30) n;
            """
        );

        await move.PromoteMeddledAsync(
            PhaseName.BuildSchema,
            () =>
                move.Shared.ExecuteAsync(
                    "UPDATE ext SET k = k || 'Q' WHERE tenant_id = 1; DELETE FROM ext WHERE kk = 'k2q'"
                )
        );

        Assert.Equal(14, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM ext WHERE k LIKE '%Q'"));
        await move.Isolated.ExecuteAsync("UPDATE ext SET k = k || 'i'");
        await move.RollBackAsync();
        Assert.Equal(14, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM ext WHERE k LIKE '%Qi'"));
    }

    [Fact]
    public async Task A_generated_tenant_column_is_a_fault_of_preflight()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE g (id int PRIMARY KEY, owner bigint, tenant_id bigint GENERATED ALWAYS AS (owner) STORED)"
        );

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Contains("public.g.tenant_id is a generated column", refused.Message);
    }
}
