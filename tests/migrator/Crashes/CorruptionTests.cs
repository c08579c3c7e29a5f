using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>Somebody writes in the copy before it is verified. Verify must find it, name it and flip nothing.</summary>
public sealed class CorruptionTests(Servers servers)
{
    [Fact]
    public async Task Rows_changed_removed_and_added_in_the_copy_are_named_by_table_and_key()
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", "started build-schema");
        await shop.Isolated.ExecuteAsync(
            $"""
            UPDATE projects SET name = name || ' ' WHERE id = (SELECT min(id) FROM projects);
            DELETE FROM comments WHERE id = (SELECT max(id) FROM comments);
            INSERT INTO events (id, tenant_id, at, body) OVERRIDING SYSTEM VALUE VALUES (123456789, '{CrashFixture.Acme}', '2024-05-05', 'planted');
            UPDATE notes SET note = 'planted' WHERE ctid = (SELECT min(ctid) FROM notes);
            INSERT INTO countries VALUES ('XX');
            """
        );
        var changed = await shop.Isolated.ScalarAsync<long>("SELECT min(id) FROM projects");
        var removed = await shop.Shared.ScalarAsync<long>(
            $"SELECT max(id) FROM comments WHERE task_id IN (SELECT id FROM tasks WHERE tenant_id = '{CrashFixture.Acme}')"
        );

        var said = await shop.RunAsync(4, "promote");

        Assert.Contains($"public.projects: id={changed} ", said, StringComparison.Ordinal);
        Assert.Contains($"public.comments: id={removed} ", said, StringComparison.Ordinal);
        Assert.Contains("public.events: id=123456789, at=2024-05-05 ", said, StringComparison.Ordinal);
        Assert.Contains("public.notes: row hash ", said, StringComparison.Ordinal);
        Assert.Contains("public.countries: code=XX ", said, StringComparison.Ordinal);
        await NothingIsFlippedAsync(shop);
    }

    [Theory]
    [InlineData("projects", "NEW.name := upper(NEW.name); RETURN NEW;", "public.projects: id=")]
    [InlineData("notes", "IF random() < 0.5 THEN RETURN NULL; END IF; RETURN NEW;", "public.notes: row hash ")]
    public async Task A_trigger_that_alters_what_is_copied_does_not_go_unnoticed(
        string table,
        string body,
        string named
    )
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        await shop.KillAsync("promote", "ended clone-schema");
        await shop.Isolated.ExecuteAsync(
            $"""
            CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
            CREATE TRIGGER planted BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION planted();
            TRUNCATE tenants, projects, tasks, comments, events, notes, history, countries;
            DELETE FROM tenant_promotion.loaded;
            """
        );

        var said = await shop.RunAsync(4, "promote");

        Assert.Contains(named, said, StringComparison.Ordinal);
        await NothingIsFlippedAsync(shop);
    }

    // And the next attempt begins from scratch.
    static async Task NothingIsFlippedAsync(CrashFixture shop)
    {
        Assert.Equal("shared", await shop.ModeAsync());
        Assert.Equal("open", await shop.GuardAsync());
        Assert.False(File.Exists(shop.RoutingFile));
        await shop.WriteAsync();
        await shop.RunAsync("promote");
        await shop.MustBeIsolatedAsync();
    }
}
