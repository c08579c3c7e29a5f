using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>What the tenant wrote in its own database comes home exactly, and nobody else notices.</summary>
public sealed class RollbackAfterTheFlipTests(Servers servers)
{
    [Theory]
    [SoakData("nothing at all", "SELECT 1")]
    [InlineData(
        "inserts",
        """
            INSERT INTO notes (tenant_id, parent_id, code, body) VALUES (1, 2, 'new', 'new'), (1, NULL, NULL, 'newer');
            INSERT INTO notes (id, tenant_id, parent_id, body)
                VALUES (900, 1, 901, 'child first'), (901, 1, 900, 'and in a circle');
            INSERT INTO remarks (note_id, body) SELECT id, 'remark' FROM notes WHERE code = 'new';
            INSERT INTO loose VALUES (1, 'a'), (1, 'z');
            INSERT INTO lists VALUES (99, 1, 99); INSERT INTO items VALUES (99, 1, 99);
            INSERT INTO pins (tenant_id, slot, label) VALUES (1, 77, 'new')
            """
    )]
    [SoakData(
        "updates that triggers stamp",
        """
            UPDATE notes SET body = body || '!' WHERE id > 10;
            UPDATE remarks SET body = NULL;
            UPDATE pins SET label = 'other'
            """
    )]
    [SoakData(
        "deletes with cascades",
        """
            DELETE FROM notes WHERE id IN (20, 18);
            DELETE FROM loose WHERE word = 'b';
            DELETE FROM days WHERE day < '2024-01-01'
            """
    )]
    [InlineData(
        "changed keys",
        """
            UPDATE notes SET id = id + 5000 WHERE id = 20;
            UPDATE days SET day = day + 100 WHERE day = '2023-12-27';
            UPDATE notes SET id = 4000 WHERE id = 4000
            """
    )]
    [InlineData(
        "swapped unique values",
        """
            UPDATE notes SET code = 'x' WHERE id = 2; UPDATE notes SET code = 'c2' WHERE id = 4;
            UPDATE notes SET code = 'c4' WHERE id = 2;
            UPDATE pins SET slot = -slot; UPDATE pins SET slot = 6 + slot
            """
    )]
    [InlineData(
        "re-parented children",
        """
            UPDATE notes SET parent_id = 20 WHERE id = 2;
            UPDATE notes SET parent_id = id;
            UPDATE remarks SET note_id = 2 WHERE note_id = 4
            """
    )]
    [SoakData(
        "deleted parents whose children moved",
        """
            INSERT INTO notes (id, tenant_id, body) VALUES (800, 1, 'new parent');
            UPDATE remarks SET note_id = 800; UPDATE notes SET parent_id = 800 WHERE id <> 800;
            DELETE FROM notes WHERE id <> 800 AND id < 15
            """
    )]
    [InlineData(
        "everything gone",
        """
            DELETE FROM remarks;
            UPDATE notes SET parent_id = NULL;
            DELETE FROM notes;
            DELETE FROM pins;
            BEGIN;
            DELETE FROM lists;
            DELETE FROM items;
            COMMIT;
            DELETE FROM loose;
            DELETE FROM days;
            DELETE FROM history
            """
    )]
    [InlineData(
        "a row that moved to another partition, and its own settings",
        """
            UPDATE days SET day = '2020-01-01' WHERE day = '2024-01-02';
            UPDATE tenants SET settings = settings || '{"theme": "light"}', plan = 'gold'
            """
    )]
    [InlineData(
        "delete and insert of the same key",
        """
            DELETE FROM remarks WHERE note_id = 20;
            DELETE FROM notes WHERE id = 20;
            INSERT INTO notes (id, tenant_id, code, body) VALUES (20, 1, 'c20', 'reborn')
            """
    )]
    public async Task Whatever_the_tenant_did_meanwhile_comes_home(string what, string statements)
    {
        Assert.NotEmpty(what);
        await using var move = await TenantMove.CreateAsync(servers, RowsOfAllKinds.Schema);
        await using var before = await Snapshot.OfAsync(move.Shared);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(statements);

        await move.RollBackAsync();

        // The isolated database's own row says shared again as well.
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(RowsOfAllKinds.OfAcme));
        Assert.Empty(await before.ChangedRowsAsync(RowsOfAllKinds.OfOthers));
        Assert.DoesNotContain(
            await before.ChangesAsync(),
            change =>
                !change.StartsWith("rows:", StringComparison.Ordinal)
                && !change.StartsWith("state:", StringComparison.Ordinal)
        );
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
        Assert.Equal("shared", await move.ModeAsync());
        Assert.False(await move.Shared.ScalarAsync<bool>("SELECT settings ? 'isolation' FROM tenants WHERE id = 1"));
        Assert.False(File.Exists(move.RoutingFile));
        await move.Shared.ExecuteAsync(
            """
            UPDATE notes SET body = 'goes on' WHERE tenant_id = 1;
            INSERT INTO notes (tenant_id, body) VALUES (1, 'on')
            """
        );
        await MustRefuseAsync(move.Isolated);
    }

    static async Task MustRefuseAsync(TestDatabase isolated)
    {
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            isolated.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (1, 'stale route')")
        );
        Assert.Equal(Npgsql.PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);
    }

    [Fact]
    public async Task A_unique_value_that_another_tenant_has_taken_meanwhile_is_named_and_the_tenant_stays_where_it_is()
    {
        await using var move = await TenantMove.CreateAsync(servers, RowsOfAllKinds.Schema);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO notes (tenant_id, code, body) VALUES (1, 'coveted', 'ours')");
        await move.Shared.ExecuteAsync("INSERT INTO notes (tenant_id, code, body) VALUES (2, 'coveted', 'theirs')");
        await using var before = await Snapshot.OfAsync(move.Shared);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Equal(ExitCode.Different, refused.Code);
        Assert.Contains("public.notes, constraint notes_code_key", refused.Message);
        Assert.DoesNotContain("coveted", refused.Message);
        Assert.Contains("stays in its isolated database", refused.Message);
        Assert.Equal("isolated", await move.ModeAsync());
        Assert.Equal("moved", await move.GuardAsync());
        Assert.Empty(await before.ChangedRowsAsync(RowsOfAllKinds.OfOthers));
        await move.Isolated.ExecuteAsync("UPDATE notes SET code = 'another' WHERE code = 'coveted'");
        Assert.True(File.Exists(move.RoutingFile));

        await move.RollBackAsync();

        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(RowsOfAllKinds.OfAcme));
        Assert.Empty(await before.ChangedRowsAsync(RowsOfAllKinds.OfOthers));
    }

    [Fact]
    public async Task A_key_that_another_tenant_has_taken_meanwhile_is_refused_and_the_other_row_stays()
    {
        await using var move = await TenantMove.CreateAsync(servers, RowsOfAllKinds.Schema);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO notes (id, tenant_id, body) VALUES (777, 1, 'ours')");
        await move.Shared.ExecuteAsync("INSERT INTO notes (id, tenant_id, body) VALUES (777, 2, 'theirs')");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains("constraint notes_pkey", refused.Message);
        Assert.Contains("777", $"{refused.InnerException}");
        Assert.Equal("theirs", await move.Shared.ScalarAsync<string>("SELECT body FROM notes WHERE id = 777"));
        await move.Isolated.ExecuteAsync("UPDATE notes SET body = 'goes on' WHERE id = 777");
    }
}
