using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Names are data: whatever PostgreSQL accepts between quotes moves like any other.</summary>
public sealed class HostileNameTests(Servers servers)
{
    [Theory]
    [InlineData("we\"ird \"\"; DROP TABLE tenants; --")]
    [InlineData("Mixed Case Ünïcode 表")]
    [InlineData("percent % brace {0} {x} $1 @p")]
    [InlineData("two\nlines")]
    [InlineData("back\\slash and 'quote'")]
    public async Task A_table_moves_and_comes_home_whatever_it_is_called(string name)
    {
        var quoted = Sql.Identifier(name);
        await using var move = await TenantMove.CreateAsync(servers, $"""
            CREATE SCHEMA {Sql.Identifier("s " + name)};
            CREATE TABLE {Sql.Identifier("s " + name)}.{quoted} (
                {Sql.Identifier("id " + name)} bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, {Sql.Identifier("v " + name)} text,
                CONSTRAINT {Sql.Identifier("c " + name)} CHECK (tenant_id > 0));
            CREATE INDEX {Sql.Identifier("i " + name)} ON {Sql.Identifier("s " + name)}.{quoted} ({Sql.Identifier("v " + name)});
            CREATE TABLE {Sql.Identifier("child " + name)} (
                {Sql.Identifier("parent " + name)} bigint NOT NULL REFERENCES {Sql.Identifier("s " + name)}.{quoted} ON DELETE CASCADE, n int NOT NULL,
                PRIMARY KEY ({Sql.Identifier("parent " + name)}, n));
            INSERT INTO {Sql.Identifier("s " + name)}.{quoted} (tenant_id, {Sql.Identifier("v " + name)}) SELECT 1 + n % 2, 'v' || n FROM generate_series(1, 20) n;
            INSERT INTO {Sql.Identifier("child " + name)} SELECT n, 1 FROM generate_series(1, 20) n;
            """);
        var table = $"{Sql.Identifier("s " + name)}.{quoted}";

        await move.PromoteAsync();

        Assert.Equal(10, await move.Isolated.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
        Assert.Equal(10, await move.Isolated.ScalarAsync<long>($"SELECT count(*) FROM {Sql.Identifier("child " + name)}"));
        await move.Isolated.ExecuteAsync($"DELETE FROM {table} WHERE {Sql.Identifier("id " + name)} = 2; UPDATE {table} SET {Sql.Identifier("v " + name)} = 'changed'");
        await move.RollBackAsync();
        Assert.Equal(9, await move.Shared.ScalarAsync<long>($"SELECT count(*) FROM {table} WHERE tenant_id = 1 AND {Sql.Identifier("v " + name)} = 'changed'"));
        Assert.Equal(10, await move.Shared.ScalarAsync<long>($"SELECT count(*) FROM {table} WHERE tenant_id = 2 AND {Sql.Identifier("v " + name)} LIKE 'v%'"));
        Assert.Equal(19, await move.Shared.ScalarAsync<long>($"SELECT count(*) FROM {Sql.Identifier("child " + name)}"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Acme")]
    [InlineData("acme_corp")]
    [InlineData("acme--corp")]
    [InlineData("-acme")]
    [InlineData("acme-")]
    [InlineData("acme corp")]
    [InlineData("acme'; DROP DATABASE postgres; --")]
    [InlineData("../../etc/passwd")]
    [InlineData("acme\n")]
    [InlineData("ácme")]
    [InlineData("a23456789-123456789-123456789-123456789-123456789-1234567")]
    public void A_slug_that_could_become_another_name_is_refused(string text) => Assert.False(Slug.TryParse(text, out _));

    [Fact]
    public async Task A_key_with_quotes_and_backslashes_is_only_a_key()
    {
        const string key = @"o'brien\ ""x"" $$ ; --";
        await using var move = await TenantMove.CreateAsync(servers, $"""
            CREATE TABLE notes (id bigint PRIMARY KEY, tenant_id text NOT NULL, body text);
            CREATE TABLE words (note_id bigint NOT NULL REFERENCES notes, word text);
            UPDATE tenants SET id = {Sql.Literal(key)} WHERE id = '1';
            INSERT INTO notes SELECT n, CASE WHEN n % 2 = 0 THEN {Sql.Literal(key)} ELSE '2' END, 'x' FROM generate_series(1, 20) n;
            INSERT INTO words SELECT id, 'w' FROM notes;
            """, keyType: "text");

        await move.PromoteAsync();

        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = @key", new { key }));
        Assert.Equal(10, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM words"));
        await move.RollBackAsync();
        await move.Shared.ExecuteAsync("UPDATE notes SET body = 'home'");
    }
}
