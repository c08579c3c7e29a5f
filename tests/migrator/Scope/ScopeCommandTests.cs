using System.Text.Json.Nodes;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>What a person sees of the rules before a row moves.</summary>
public sealed class ScopeCommandTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE orders (id int PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders);
        CREATE TABLE forgotten (id int PRIMARY KEY);
        INSERT INTO orders SELECT n, 1 + n % 2 FROM generate_series(1, 10) n;
        INSERT INTO lines SELECT n, n FROM generate_series(1, 10) n;
        INSERT INTO forgotten VALUES (1);
        """;

    [Fact]
    public async Task Each_table_is_shown_with_its_class_its_rows_and_those_of_others()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);

        var (code, output, error) = await InjectedFault.SayAsync(move, "scope", $"--tenant-slug={move.Slug}", "--json");

        Assert.True(code == 0, error);
        var tables = JsonNode.Parse(output)!["tables"]!.AsArray().ToDictionary(one => (string)one!["table"]!);
        Assert.Equal(
            ("derived", 5, 5),
            (
                (string?)tables["public.lines"]!["scope"],
                (int)tables["public.lines"]!["rows"]!,
                (int)tables["public.lines"]!["others"]!
            )
        );
        Assert.Equal(3, tables["public.lines"]!["samples"]!.AsArray().Count);
        Assert.Null(tables["public.forgotten"]!["scope"]);
        Assert.Equal(1, (int)tables["public.forgotten"]!["others"]!);
    }

    [Fact]
    public async Task The_check_refuses_what_preflight_would_refuse()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);

        var (code, _, error) = await InjectedFault.SayAsync(move, "scope", $"--tenant-slug={move.Slug}", "--check");

        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains("public.forgotten", error);

        await move.Shared.ExecuteAsync(
            """
            DROP TABLE forgotten;
            ALTER TABLE lines ADD other_id int REFERENCES orders;
            """
        );
        (code, _, error) = await InjectedFault.SayAsync(move, "scope", $"--tenant-slug={move.Slug}", "--check");
        Assert.True(code == 0, error);

        await move.Shared.ExecuteAsync("UPDATE lines SET other_id = 3 WHERE id = 2");
        (code, _, error) = await InjectedFault.SayAsync(move, "scope", $"--tenant-slug={move.Slug}", "--check");
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains("lines_other_id_fkey", error);
    }

    [Fact]
    public async Task The_graph_leads_from_each_table_to_the_one_that_tells()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);

        var (code, output, error) = await InjectedFault.SayAsync(
            move,
            "scope",
            $"--tenant-slug={move.Slug}",
            "--graph"
        );

        Assert.True(code == 0, error);
        Assert.StartsWith("graph TD\n", output);
        Assert.Contains("-->|\"order_id\"|", output);
        Assert.Contains("-->|\"tenant_id\"|", output);
    }
}
