using System.Text.RegularExpressions;
using System.Xml.Linq;
using Migrator.Model;
using Migrator.Tests.Online;
using Migrator.Tests.Support;

namespace Migrator.Tests.Reporting;

/// <summary>The report for the ticket: one file that tells all, and needs nothing else.</summary>
public sealed partial class HtmlReportTests(Servers servers)
{
    // Names are the shared database's; whoever may create a table must not write into the report.
    const string Hostile = """
        CREATE TABLE "<script>alert(1)</script>" (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        INSERT INTO "<script>alert(1)</script>" VALUES (1, 1);
        CREATE TABLE "a"" onload=""x &amp; " (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        """;

    [Fact]
    public async Task There_and_back_and_for_good()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema + Hostile, servers.Dedicated);

        var promoted = await ReportAsync(move, "promote");
        Assert.Equal($"Promotion of {move.Slug}", (string)promoted.Descendants("h1").Single());
        Assert.Equal(["Next", "Phases", "The pause", "Tables", "Validation"], Headings(promoted));
        var tables = Section(promoted, "Tables");
        Assert.Contains("public.<script>alert(1)</script>", tables);
        Assert.Contains("public.a\" onload=\"x &amp; ", tables);
        Assert.Contains("public.tasks", tables);
        var parts = Section(promoted, "The pause");
        Assert.Equal(["close", "changes"], parts[..2]);
        Assert.Contains(PhaseName.CopyData, Section(promoted, "Phases"));
        Assert.Contains($"migrator rollback --tenant-slug={move.Slug}", promoted.Value, StringComparison.Ordinal);
        Assert.Contains(Environment.MachineName, promoted.Value, StringComparison.Ordinal);

        var home = await ReportAsync(move, "rollback");
        Assert.Contains(PhaseName.FlipBack, Section(home, "Phases"));
        Assert.Contains(PromotionState.Shared, home.Value, StringComparison.Ordinal);

        await move.PromoteAsync();
        var done = await ReportAsync(move, "finalize");
        Assert.Contains(PhaseName.DeleteShared, Section(done, "Phases"));
    }

    [Fact]
    public async Task A_browser_shows_all_of_it_without_a_network_and_prints_it()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema + Hostile, servers.Dedicated);
        await ReportAsync(move, "promote");
        var file = FileOf(move, "promote");

        var shown = await Browser.ReadAsync(file);
        Assert.Contains($"<h1>Promotion of {move.Slug}</h1>", shown, StringComparison.Ordinal);
        Assert.Contains("public.&lt;script&gt;alert(1)&lt;/script&gt;", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", shown, StringComparison.OrdinalIgnoreCase);
        // A browser closes what it takes for unclosed: what stands below would be inside.
        Assert.Matches("</section></body></html>\\s*$", Regex.Replace(shown, ">\\s+<", "><"));

        var printed = await Browser.PrintAsync(file);
        string[] parts =
        [
            "Next",
            "Phases",
            "The pause",
            "Tables",
            "Validation",
            "public.tasks",
            "public.<script>alert(1)",
        ];
        foreach (var part in parts)
            Assert.Contains(part, printed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("promote", "/nowhere/report.md", "does not exist")]
    [InlineData("promote", "/tmp", "is a folder itself")]
    [InlineData("rollback", "report.md", "does not end in .html")]
    public void A_file_that_cannot_be_written_is_told_before_anything_is_done(string verb, string file, string said)
    {
        var parsed = Migrator.Commands.Verbs.Create().Parse([verb, "--tenant-slug=acme", "--report", file]);

        Assert.Contains(said, Assert.Single(parsed.Errors).Message, StringComparison.Ordinal);
    }

    static async Task<XElement> ReportAsync(TenantMove move, string verb)
    {
        var file = FileOf(move, verb);
        await InjectedFault.RunAsync(move, 0, verb, $"--tenant-slug={move.Slug}", "--confirm", "--report", file);
        var text = await File.ReadAllTextAsync(file);
        Assert.StartsWith("<!DOCTYPE html>\n", text, StringComparison.Ordinal);
        Assert.DoesNotMatch(Foreign(), text);
        // A browser takes an element without an end for one that goes on.
        Assert.DoesNotMatch(Unended(), text);
        return XDocument.Parse(text).Root!;
    }

    static string FileOf(TenantMove move, string verb) =>
        Path.Combine(Path.GetDirectoryName(move.RoutingFile)!, $"{verb}.html");

    static IEnumerable<string> Headings(XElement page) => page.Descendants("h2").Select(heading => (string)heading);

    // The first column of the section's table.
    static string[] Section(XElement page, string heading) =>
        [
            .. page.Descendants("section")
                .Single(section => (string?)section.Element("h2") == heading)
                .Descendants("tr")
                .Select(row => row.Element("td"))
                .OfType<XElement>()
                .Select(cell => cell.Value),
        ];

    [GeneratedRegex("<(script|link|iframe|img|object|base)|(src|href)=|@import|url\\(|http", RegexOptions.IgnoreCase)]
    private static partial Regex Foreign();

    [GeneratedRegex("<(?!meta|rect)\\w+[^>]*/>")]
    private static partial Regex Unended();
}
