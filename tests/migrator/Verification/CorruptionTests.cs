using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Verification;

/// <summary>Somebody meddles with the copy before it is verified.</summary>
public sealed class CorruptionTests(Servers servers)
{
    [Theory]
    [InlineData(
        "DELETE FROM tasks WHERE id = (SELECT min(id::text)::{type} FROM tasks)",
        "is missing in the isolated database"
    )]
    [InlineData(
        "UPDATE tasks SET {text} = {text} || '!' WHERE id = (SELECT min(id::text)::{type} FROM tasks)",
        "has other values"
    )]
    public async Task A_row_that_was_tampered_with_is_named_by_its_key_and_nothing_flips(
        string corruption,
        string finding
    )
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", "started verify");
        var type = await shop.Shared.ScalarAsync<string>(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'tasks'::regclass AND attname = 'id'"
        );
        var text = await shop.Shared.ScalarAsync<string>(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = 'tasks'::regclass AND atttypid = 'text'::regtype AND attgenerated = '' ORDER BY attnum LIMIT 1"
        );
        var key = await shop.Isolated.ScalarAsync<string>("SELECT min(id::text) FROM tasks");
        await shop.Isolated.ExecuteAsync(corruption.Replace("{type}", type).Replace("{text}", text));

        var said = await shop.RunAsync(4, "promote");

        Assert.Contains("public.tasks", said);
        Assert.Contains($"id={key} {finding}", said);
        Assert.Equal("shared", await shop.ModeAsync());
        Assert.Equal("open", await shop.GuardAsync());
        await shop.WriteAsync();
    }

    [Fact]
    public async Task Two_rows_that_have_swapped_a_value_are_a_difference()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE notes (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, body text NOT NULL);
            INSERT INTO notes SELECT n, 1, 'note ' || n FROM generate_series(1, 50) n;
            """
        );

        var failure = await Assert.ThrowsAsync<Model.MigratorException>(() =>
            move.PromoteMeddledAsync("build-schema", "UPDATE notes SET body = 'note ' || (9 - id) WHERE id IN (4, 5)")
        );

        Assert.Equal(Model.ExitCode.Different, failure.Code);
        Assert.Contains("public.notes: id=4 has other values", failure.Message);
        Assert.Contains("public.notes: id=5 has other values", failure.Message);
    }

    [Fact]
    public async Task A_row_of_another_tenant_in_the_copy_is_a_difference()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE notes (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, body text NOT NULL);
            INSERT INTO notes SELECT n, 1 + n % 2, 'note ' || n FROM generate_series(1, 50) n;
            """
        );

        var failure = await Assert.ThrowsAsync<Model.MigratorException>(() =>
            move.PromoteMeddledAsync("build-schema", "INSERT INTO notes VALUES (1001, 2, 'stranger')")
        );

        Assert.Equal(Model.ExitCode.Different, failure.Code);
        Assert.Contains("public.notes: id=1001 is in the isolated database only", failure.Message);
        Assert.Equal("open", await move.GuardAsync());
    }
}
