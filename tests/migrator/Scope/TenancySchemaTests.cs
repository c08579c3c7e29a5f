using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>docs/tenancy.schema.json says of a settings file what the program says.</summary>
public sealed partial class TenancySchemaTests
{
    static readonly string Docs = Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..");

    static readonly JsonObject Text = JsonNode
        .Parse(File.ReadAllText(Path.Combine(Docs, "docs", "tenancy.schema.json")))!
        .AsObject();

    static readonly JsonSchema Schema = new(Text);

    [Theory]
    [InlineData("docs/scope.md", 13)]
    [InlineData("README.md", 1)]
    [InlineData("docs/hooks.md", 1)]
    public void Every_example_of_the_documentation_is_valid(string file, int least)
    {
        var examples = JsonBlock().Matches(File.ReadAllText(Path.Combine(Docs, file)));

        Assert.True(examples.Count >= least);
        Assert.All(examples, example => AssertAgree(example.Groups[1].Value, isValid: true));
    }

    [Fact]
    public void The_documentation_lists_every_key_and_says_what_holds_without_a_file()
    {
        var text = File.ReadAllText(Path.Combine(Docs, "docs", "scope.md"));
        var section = text[text.IndexOf("\n## All keys\n", StringComparison.Ordinal)..];
        var listed = section[..section.IndexOf("\n## ", 1, StringComparison.Ordinal)];

        Assert.All(
            Text["properties"]!.AsObject().Select(one => one.Key).Where(key => key != "$schema"),
            key => Assert.Contains($"`{key}`", listed)
        );
        var nowhere = ScopePattern.TenancyOf("All keys") with { Places = new Dictionary<string, string>() };
        Assert.Equivalent(ScopePattern.Parse("{}"), nowhere, strict: true);
    }

    // The program lists the keys that it knows when it meets another.
    [Theory]
    [InlineData("""{ "bogus": 1 }""", "")]
    [InlineData("""{ "tenants": { "bogus": 1 } }""", "tenants")]
    public void Every_key_that_the_program_knows_is_there_and_no_other(string json, string section)
    {
        var refusal = Assert.Throws<MigratorException>(() => ScopePattern.Parse(json));
        var known = KnownKeys().Match(refusal.Message).Groups[1].Value.Split(", ");
        var properties = (section.Length == 0 ? Text : Text["properties"]![section]!)["properties"]!.AsObject();

        Assert.Equal(known.Order(), properties.Select(one => one.Key).Order());
    }

    [Theory]
    [InlineData("""{ "tenant": "a" }""", true)]
    [InlineData("""{ "tenant": "" }""", false)]
    [InlineData("""{ "tenant": 1 }""", false)]
    [InlineData("""{ "tenant": "a", "null": "global" }""", true)]
    [InlineData("""{ "tenant": "a", "null": "copied" }""", false)]
    [InlineData("""{ "tenant": "a", "where": "b" }""", false)]
    [InlineData("""{ "belongs_to": "public.a" }""", true)]
    [InlineData("""{ "belongs_to": "public.a", "by": {} }""", false)]
    [InlineData("""{ "belongs_to": "public.a", "by": { "b": "c" } }""", true)]
    [InlineData("""{ "belongs_to": "public.a", "by": ["b"] }""", false)]
    [InlineData("""{ "by": { "b": "c" } }""", false)]
    [InlineData("""{ "by_type": { "type": "t", "id": "i", "to": { "A": "public.a" } } }""", true)]
    [InlineData("""{ "by_type": { "type": "t", "id": "i", "to": {} } }""", false)]
    [InlineData("""{ "by_type": { "type": "t", "id": "i" } }""", false)]
    [InlineData("""{ "any_of": [{ "tenant": "a" }, { "belongs_to": "public.b" }] }""", true)]
    [InlineData("""{ "any_of": [{ "tenant": "a" }] }""", false)]
    [InlineData("""{ "any_of": [{ "tenant": "a", "null": "global" }, { "belongs_to": "public.b" }] }""", false)]
    [InlineData("""{ "any_of": [{ "where": "a = 1" }, { "belongs_to": "public.b" }] }""", true)]
    [InlineData("""{ "any_of": [{ "where": "" }, { "belongs_to": "public.b" }] }""", false)]
    [InlineData("""{ "where": "a = :tenant" }""", true)]
    [InlineData("""{ "where": "" }""", false)]
    [InlineData("""{ "named_by": ["public.a.b"] }""", true)]
    [InlineData("""{ "named_by": [] }""", false)]
    [InlineData("""{ "named_by": ["b"] }""", false)]
    [InlineData("""{ "shared_through": ["public.a.b"], "blank": ["c"] }""", true)]
    [InlineData("""{ "shared_through": ["public.a.b"], "blank": [""] }""", false)]
    [InlineData("""{ "blank": ["c"] }""", false)]
    [InlineData("\"reference\"", true)]
    [InlineData("\"ignored\"", true)]
    [InlineData("\"derived\"", false)]
    [InlineData("[]", false)]
    public void A_rule_is_valid_where_the_program_can_read_it(string rule, bool isValid) =>
        AssertAgree($$"""{ "tables": { "public.x": {{rule}} } }""", isValid);

    [Theory]
    [InlineData("""{ "$schema": "docs/tenancy.schema.json", "domain": null }""", true)]
    [InlineData("""{ "domain": 5 }""", false)]
    [InlineData("""{ "reference": "public.a" }""", false)]
    [InlineData("""{ "reference": [null] }""", false)]
    [InlineData("""{ "tenants": { "table": null } }""", false)]
    [InlineData("""{ "derived": { "public.a": "b" } }""", true)]
    [InlineData("""{ "derived": { "public.a": ["b"] } }""", false)]
    [InlineData("""{ "tables": [] }""", false)]
    [InlineData("""{ "hooks": [] }""", true)]
    [InlineData("""{ "hooks": {} }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"], "run": ["/bin/a", ""], "timeout": "5s" }] }""", true)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"], "run": "/bin/a" }] }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"], "run": ["/bin/a"], "secret": "S" }] }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"], "url": "https://a", "secret": "S" }] }""", true)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"], "url": "https://a" }] }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"], "url": "ftp://a", "secret": "S" }] }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["moved"], "run": ["/bin/a"] }] }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": [], "run": ["/bin/a"] }] }""", false)]
    [InlineData("""{ "hooks": [{ "on": ["copied"], "run": ["/bin/a"] }] }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"] }] }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"], "run": ["/bin/a"], "timeout": 5 }] }""", false)]
    [InlineData("""{ "hooks": [{ "name": "a", "on": ["copied"], "run": ["/bin/a"], "shell": "sh" }] }""", false)]
    [InlineData("[]", false)]
    public void A_file_is_valid_where_the_program_can_read_it(string json, bool isValid) => AssertAgree(json, isValid);

    static void AssertAgree(string json, bool isValid)
    {
        Assert.Equal(isValid, Record.Exception(() => ScopePattern.Parse(json)) is null);
        Assert.True(isValid == Schema.Accepts(JsonNode.Parse(json)), json);
    }

    static string Here([CallerFilePath] string file = "") => file;

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();

    [GeneratedRegex("Known keys: (.*?)\\.")]
    private static partial Regex KnownKeys();
}
