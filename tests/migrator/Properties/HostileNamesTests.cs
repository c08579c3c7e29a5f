using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Properties;

/// <summary>
/// Whatever PostgreSQL takes for a name, and whatever a tenant's key may be, it is data and never SQL.
/// </summary>
[EveryVersion]
public sealed class HostileNamesTests(Servers servers)
{
    /// <summary>What schemas, tables, columns, constraints and roles are called, and the tenant's key.</summary>
    public static IEnumerable<TheoryDataRow<string, string>> NamesAndKeys =>
        [
            new(
                "quote\" \"\"double' ''single; DROP TABLE tenants; --\\",
                "it's \"a\" {0} %s @p $1'; DROP TABLE tenants; --"
            ),
            new("%s %I {0} {=x} @p :p ? $1 $derived$ $$ [red]x[/]", "$derived$; DROP TABLE tenants; $derived$"),
            new("123456789012345678901234567890123456789012345678901234567890123", "it's"),
            InSoak("line\nbreak\r\ttab", "\\"),
            InSoak("名前 ünï 👩‍👩‍👧", "line\nbreak\ttab 名前 👩‍👩‍👧"),
            InSoak("SCHEMA x INDEX y", "it's"),
        ];

    static TheoryDataRow<string, string> InSoak(string name, string key) =>
        new TheoryDataRow<string, string>(name, key).WithTrait(Soak.Category, Soak.Name);

    [Theory]
    [MemberData(nameof(NamesAndKeys))]
    public Task A_tenant_moves_and_comes_back_whatever_anything_is_called_and_whatever_its_key_is(
        string name,
        string key
    ) => MovesAsync(key, name);

    [Theory]
    [SoakData("0")]
    [InlineData("s2345678901234567890123456789012345678901234567890123456")]
    public Task A_tenant_moves_and_comes_back_under_any_slug(string slug) => MovesAsync("key", "plain", slug);

    [Theory]
    [InlineData("")]
    [InlineData("Acme")]
    [InlineData("acme_corp")]
    [InlineData("acme--corp")]
    [InlineData("-acme")]
    [InlineData("acme'; DROP DATABASE postgres; --")]
    [InlineData("../../etc/passwd")]
    [InlineData("acme\n")]
    [InlineData("ácme")]
    [InlineData("s23456789012345678901234567890123456789012345678901234567")]
    public void A_slug_that_could_become_another_name_is_refused(string text) =>
        Assert.False(Slug.TryParse(text, out _));

    async Task MovesAsync(string key, string name, string? slug = null)
    {
        var role = await RoleAsync(name);
        var database = await servers.NewDatabaseAsync(prefix: "hostile");
        slug ??= database.Name.Replace('_', '-');
        await using var move = new TenantMove(database, slug) { Mode = PromotionOptions.Fenced };
        await database.ExecuteAsync(
            Schema(name, role)
                .Replace(":key", Literal(key), StringComparison.Ordinal)
                .Replace(":slug", Literal(slug), StringComparison.Ordinal)
        );
        var (n, child) = (Quoted(name), Quoted("c" + name));
        var tables = TablesOf(key, name);

        await move.PromoteAsync(validate: false);

        // The comparer leaves the guard's triggers out line by line; one that breaks the line it cannot.
        if (!(key + name).Contains('\n', StringComparison.Ordinal))
            Assert.Empty(await new DatabaseComparer(database, move.Isolated).CompareSchemasAsync());
        Assert.Empty(await new DatabaseComparer(database, move.Isolated).CompareRowsAsync(tables));
        foreach (var table in new[] { $"{n}.{n}", $"{n}.{child}" })
            await MustBeRefusedAsync(database, table);
        await database.ExecuteAsync($"UPDATE {n}.{n} SET note = 'neighbour' WHERE tenant_id = 'other'");
        await move.Isolated.ExecuteAsync(
            $"""
            UPDATE {n}.{n} SET note = 'changed';
            INSERT INTO {n}.{n} (tenant_id, note) VALUES ({Literal(key)}, 'new');
            DELETE FROM {n}.{child} WHERE note = '2';
            """
        );

        await move.RollBackAsync();

        Assert.Empty(await new DatabaseComparer(database, move.Isolated).CompareRowsAsync(tables));
        Assert.Equal(
            "neighbour",
            await database.ScalarAsync<string>(
                $"SELECT string_agg(DISTINCT note, ',') FROM {n}.{n} WHERE tenant_id = 'other'"
            )
        );
        await database.ExecuteAsync($"UPDATE {n}.{child} SET note = 'home'");
    }

    // Closed for the tenant, by a session that reads backslashes the old way, and open for the neighbour.
    static async Task MustBeRefusedAsync(TestDatabase database, string table)
    {
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            database.ExecuteAsync($"SET standard_conforming_strings = off; UPDATE {table} SET note = 'stale'")
        );
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);
    }

    static IReadOnlyList<TableRows> TablesOf(string key, string name)
    {
        var (n, child, leaf) = (Quoted(name), Quoted("c" + name), Quoted("l" + name));
        return
        [
            new("public.tenants", $"id = {Literal(key)}"),
            new($"{n}.{n}", $"tenant_id = {Literal(key)}"),
            new($"{n}.{child}", $"{n} IN (SELECT {n} FROM {n}.{n} WHERE tenant_id = {Literal(key)})"),
            new($"{n}.{leaf}", $"tenant_id = {Literal(key)}"),
        ];
    }

    // Roles are the server's and not the database's.
    async Task<string> RoleAsync(string name)
    {
        var role = name[..Math.Min(name.Length, 40)] + Servers.NewName();
        await servers.Shared.CreateRoleAsync(role, creator: Servers.Admin);
        return role;
    }

    static string Schema(string name, string role)
    {
        var (n, child, leaf, part) = (Quoted(name), Quoted("c" + name), Quoted("l" + name), Quoted("p" + name));
        var (type, key, foreign, body) = (
            Quoted("t" + name),
            Quoted("k" + name),
            Quoted("f" + name),
            Quoted("b" + name)
        );
        return $"""
            CREATE TABLE tenants (
                id text PRIMARY KEY, slug text NOT NULL, plan text NOT NULL DEFAULT 'team',
                status text NOT NULL DEFAULT 'active',
                isolation_mode text NOT NULL DEFAULT 'shared', settings jsonb NOT NULL DEFAULT {Literal("{}")});
            INSERT INTO tenants (id, slug) VALUES (:key, :slug), ('other', :slug || '-other');
            CREATE SCHEMA {n};
            CREATE TYPE {n}.{type} AS ENUM ({Literal(name)});
            CREATE TABLE {n}.{n} ({n} bigserial, tenant_id text NOT NULL, note text, kind {n}.{type} DEFAULT {Literal(
                name
            )},
                CONSTRAINT {key} PRIMARY KEY ({n}), CONSTRAINT {foreign} FOREIGN KEY (tenant_id) REFERENCES tenants (id));
            CREATE TABLE {n}.{child} (id serial PRIMARY KEY, {n} bigint NOT NULL REFERENCES {n}.{n}, note text);
            CREATE TABLE {n}.{leaf} (tenant_id text NOT NULL, {n} int, {body} text) PARTITION BY LIST ({n});
            CREATE TABLE {n}.{part} PARTITION OF {n}.{leaf} DEFAULT;
            INSERT INTO {n}.{n} (tenant_id, note) SELECT id, g::text FROM tenants, generate_series(1, 3) g;
            INSERT INTO {n}.{child} ({n}, note) SELECT {n}, note FROM {n}.{n};
            INSERT INTO {n}.{leaf} SELECT id, g, 'x' FROM tenants, generate_series(1, 3) g;
            CREATE INDEX {Quoted("i" + name)} ON {n}.{n} (tenant_id);
            CREATE FUNCTION {n}.{n}() RETURNS trigger LANGUAGE plpgsql AS {Literal("BEGIN RETURN NEW; END")};
            CREATE TRIGGER {n} BEFORE UPDATE ON {n}.{n} FOR EACH ROW EXECUTE FUNCTION {n}.{n}();
            CREATE POLICY {n} ON {n}.{n} TO {Quoted(role)} USING (true);
            CREATE VIEW {n}.{Quoted("v" + name)} AS SELECT * FROM {n}.{n};
            GRANT USAGE ON SCHEMA {n} TO {Quoted(role)};
            COMMENT ON SCHEMA {n} IS {Literal(name)};
            COMMENT ON INDEX {n}.{Quoted("i" + name)} IS {Literal(name)};
            COMMENT ON CONSTRAINT {Quoted("k" + name)} ON {n}.{n} IS {Literal(name)};
            COMMENT ON TRIGGER {n} ON {n}.{n} IS {Literal(name)};
            COMMENT ON POLICY {n} ON {n}.{n} IS {Literal(name)};
            COMMENT ON COLUMN {n}.{n}.{n} IS {Literal(name)};
            """;
    }

    // 63 bytes is all that a name may have; the prefix may have been one too many.
    static string Quoted(string name)
    {
        while (System.Text.Encoding.UTF8.GetByteCount(name) > 63)
            name = name[..^1];
        return Sql.Identifier(name);
    }

    static string Literal(string value) => Sql.Literal(value);
}
