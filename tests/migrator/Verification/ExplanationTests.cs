using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Verification;

/// <summary>What verify tells of rows that differ, and what it keeps to itself.</summary>
public sealed class ExplanationTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE notes (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, title text, amount numeric);
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER stamp BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION stamp();
        INSERT INTO notes SELECT n, 1 + n % 2, 'secret ' || n, n FROM generate_series(1, 20) n;
        """;

    [Fact]
    public async Task Rows_columns_and_writers_of_both_sides_are_named_and_no_value()
    {
        await using var move = await CreateAsync();
        await PlantAsync(move);

        var document = await InjectedFault.RunAsync(
            move,
            (int)ExitCode.Different,
            "verify",
            $"--tenant-slug={move.Slug}",
            "--explain"
        );

        var rows = document["differences"]!.AsArray().ToDictionary(row => (string)row!["key"]!, row => row!);
        Assert.Equal(["id=2", "id=4", "id=6", "id=8"], rows.Keys.Order());
        var moved = rows["id=2"];
        Assert.Equal("changed", (string)moved["kind"]!);
        Assert.Equal(["title"], moved["columns"]!.AsArray().Select(column => (string)column!["name"]!));
        Assert.Null(moved["columns"]![0]!["isolated"]);
        Assert.False((bool)moved["shared"]!["since_flip"]!);
        Assert.Equal(
            await move.Isolated.ScalarAsync<string>("SELECT xmin::text FROM notes WHERE id = 2"),
            (string)moved["isolated"]!["transaction"]!
        );
        Assert.Equal("stamp", (string)moved["triggers"]![0]!);
        Assert.True((bool)rows["id=4"]["shared"]!["since_flip"]!);
        Assert.Equal(["amount"], rows["id=4"]["columns"]!.AsArray().Select(column => (string)column!["name"]!));
        Assert.Equal("extra", (string)rows["id=6"]["kind"]!);
        Assert.Null(rows["id=6"]["shared"]);
        Assert.Equal("missing", (string)rows["id=8"]["kind"]!);
        Assert.DoesNotContain("secret", document.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains(document["not_known"]!.AsArray(), one => ((string)one!).Contains("track_commit_timestamp"));
    }

    [Fact]
    public async Task Values_are_shown_to_whoever_asks_for_them()
    {
        await using var move = await CreateAsync();
        await PlantAsync(move);
        string[] words = ["verify", $"--tenant-slug={move.Slug}", "--explain"];

        var (_, plain, _) = await InjectedFault.SayAsync(move, words);
        var (_, full, _) = await InjectedFault.SayAsync(move, [.. words, "--show-values"]);
        var (code, _, _) = await InjectedFault.SayAsync(move, "verify", $"--tenant-slug={move.Slug}", "--show-values");

        Assert.Contains("public.notes: id=2 has other values: title", plain, StringComparison.Ordinal);
        Assert.Contains("after the flip, past the write guard", plain, StringComparison.Ordinal);
        Assert.Contains("What cannot be known:", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", plain, StringComparison.Ordinal);
        Assert.Contains("title: shared secret 2, isolated moved on", full, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, code);
    }

    async Task<TenantMove> CreateAsync()
    {
        var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await move.PromoteAsync();
        return move;
    }

    // The tenant works on, and somebody writes past the guard.
    static async Task PlantAsync(TenantMove move)
    {
        await move.Isolated.ExecuteAsync(
            "UPDATE notes SET title = 'moved on' WHERE id = 2; DELETE FROM notes WHERE id = 8"
        );
        await move.Shared.ExecuteAsync(
            """
            ALTER TABLE notes DISABLE TRIGGER ALL;
            UPDATE notes SET amount = amount + 1 WHERE id = 4;
            DELETE FROM notes WHERE id = 6;
            """,
            role: EmbeddedCluster.Superuser
        );
    }
}
