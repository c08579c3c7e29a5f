using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Verification;

/// <summary>Somebody writes in the copy before it is verified. Verify must find it, name it and flip nothing.</summary>
public sealed class CorruptionTests(Servers servers)
{
    [Fact]
    public async Task Rows_changed_removed_and_added_in_the_copy_are_named_by_table_and_key()
    {
        await using var shop = await CrashFixture.CreateAsync(servers.Shared, servers.Dedicated);
        var (changed, removed) = (0L, 0L);

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            shop.Move.PromoteMeddledAsync(
                PhaseName.BuildSchema,
                async () => (changed, removed) = await PlantAsync(shop)
            )
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains($"public.projects: id={changed} has other values", failure.Message, StringComparison.Ordinal);
        Assert.Contains(
            $"public.comments: id={removed} is missing in the isolated database",
            failure.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("public.events: id=123456789, at=2024-05-05 ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("public.notes: row hash ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("public.countries: code=XX ", failure.Message, StringComparison.Ordinal);
        await NothingIsFlippedAsync(shop);
    }

    static async Task<(long Changed, long Removed)> PlantAsync(CrashFixture shop)
    {
        var changed = await shop.Isolated.ScalarAsync<long>("SELECT min(id) FROM projects");
        var removed = await shop.Isolated.ScalarAsync<long>("SELECT max(id) FROM comments");
        await shop.Move.MeddleAsync(
            $"""
            UPDATE projects SET name = name || ' ' WHERE id = {changed};
            DELETE FROM comments WHERE id = {removed};
            INSERT INTO events (id, tenant_id, at, body) OVERRIDING SYSTEM VALUE
                VALUES (123456789, '{CrashFixture.Acme}', '2024-05-05', 'planted');
            UPDATE notes SET note = 'planted' WHERE ctid = (SELECT min(ctid) FROM notes);
            INSERT INTO countries VALUES ('XX');
            """
        );
        return (changed, removed);
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

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            shop.Move.PromoteMeddledAsync(
                PhaseName.CopyData,
                () =>
                    shop.Isolated.ExecuteAsync(
                        $"""
                        CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
                        CREATE TRIGGER planted BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION planted();
                        """
                    )
            )
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
        await NothingIsFlippedAsync(shop);
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

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.BuildSchema,
                "UPDATE notes SET body = 'note ' || (9 - id) WHERE id IN (4, 5)"
            )
        );

        Assert.Equal(ExitCode.Different, failure.Code);
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

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.BuildSchema, "INSERT INTO notes VALUES (1001, 2, 'stranger')")
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.notes: id=1001 is in the isolated database only", failure.Message);
        Assert.Equal("open", await move.GuardAsync());
    }

    // And the next attempt begins from scratch.
    static async Task NothingIsFlippedAsync(CrashFixture shop)
    {
        Assert.Equal("shared", await shop.ModeAsync());
        Assert.Equal("open", await shop.GuardAsync());
        Assert.False(File.Exists(shop.RoutingFile));
        await shop.WriteAsync();
        await shop.Move.PromoteAsync();
        await shop.MustBeIsolatedAsync();
    }
}
