using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What a preview is read for: what changes, and what it costs.</summary>
public sealed class PlanTests : ScriptTests
{
    [Theory]
    [InlineData("dev", 1)]
    [InlineData("acme-corp", 2)]
    [InlineData("globex-health", 2)]
    public async Task A_plan_is_estimated_from_the_planned_resources_and_the_price_file(string stack, int copies)
    {
        var preview = PreviewJson.Of(await Graph.OfAsync(stack));
        var prices = JsonNode.Parse(await ReadAsync(Path.Combine(StackFiles.Root, ".github", "prices.json")))!;
        var settings = PreviewJson.State(preview, "DatabaseInstance")["inputs"]!["settings"]!;
        var region = prices["regions"]!["europe-west3"]!;
        var rate = region[(string)settings["edition"]! == "ENTERPRISE" ? "sqlEnterprise" : "sqlEnterprisePlus"]!;
        var (cpus, gb) = (string)settings["tier"]! switch
        {
            "db-custom-1-3840" => (1, 3.75),
            "db-custom-4-16384" => (4, 16.0),
            _ => (4, 32.0),
        };

        var comment = await PlanAsync(stack, preview, new JsonObject { ["steps"] = new JsonArray() });

        var machine = copies * 730 * ((cpus * (double)rate["cpuHour"]!) + (gb * (double)rate["gbHour"]!));
        Assert.Contains($" | 0.00 | {machine.ToString("F2", CultureInfo.InvariantCulture)} |", comment);
        Assert.Contains("| Load balancer, 2 forwarding rules | 0.00 | 18.25 |", comment);
        Assert.Contains("Prices of 2026-11-25 to 2026-11-26, from .github/prices.json.", comment);
        Assert.Contains("Cloud SQL pricing (https://cloud.google.com/sql/pricing)", comment);
        var lines = Regex.Matches(comment, @"^\| [^*|\n]+ \| [0-9.]+ \| ([0-9.]+) \|$", RegexOptions.Multiline);
        var total = double.Parse(
            Regex.Match(comment, @"\*\*together\*\* \| \*\*0\.00\*\* \| \*\*([0-9.]+)\*\*").Groups[1].Value,
            CultureInfo.InvariantCulture
        );
        Assert.InRange(
            lines.Sum(line => double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture)) - total,
            -0.1,
            0.1
        );
    }

    [Fact]
    public async Task Every_price_names_the_page_it_belongs_to_and_the_day_of_its_figure()
    {
        var file = JsonNode.Parse(await ReadAsync(Path.Combine(StackFiles.Root, ".github", "prices.json")))!;
        var sources = file["sources"]!.AsObject();
        var regions = file["regions"]!.AsObject().Select(region => region.Value!.AsObject()).ToList();
        var prices = regions.Append(file["global"]!.AsObject()).SelectMany(each => each).ToList();

        Assert.All(sources, page => Assert.Matches("^https://cloud[.]google[.]com/.+", (string)page.Value!["url"]!));
        Assert.All(sources, page => Assert.NotEmpty((string)page.Value!["title"]!));
        Assert.All(
            prices,
            price =>
            {
                Assert.True(sources.ContainsKey((string)price.Value!["source"]!), price.Key);
                var day = DateOnly.ParseExact((string)price.Value["asOf"]!, "yyyy-MM-dd", CultureInfo.InvariantCulture);
                Assert.True(day <= DateOnly.FromDateTime(DateTime.UtcNow), price.Key);
                Assert.NotNull((bool?)price.Value["checked"]);
            }
        );
        // Each region has a price for whatever another one has.
        Assert.Single(regions.Select(region => string.Join(' ', region.Select(price => price.Key))).Distinct());
    }

    [Fact]
    public async Task The_comment_tells_the_difference_to_what_main_declares()
    {
        var before = PreviewJson.Of(await Graph.OfAsync("acme-corp"));
        var after = PreviewJson.Of(await Graph.OfAsync("acme-corp", ("machineType", "db-custom-8-32768")));

        var comment = await PlanAsync("acme-corp", after, before);

        Assert.Contains("| ~ | DatabaseInstance db-acme-corp | settings.tier |", comment);
        Assert.Contains("| Cloud SQL db-custom-4-16384, with a standby | 485.89 | 0.00 |", comment);
        Assert.Contains("| Cloud SQL db-custom-8-32768, with a standby | 0.00 | 971.78 |", comment);
        Assert.Contains("The difference is +485.89.", comment);
        Assert.DoesNotContain("| ~ | Service", comment);
    }

    [Fact]
    public async Task Where_nothing_changes_the_comment_says_so()
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("dev"));

        Assert.Contains("Nothing changes.", await PlanAsync("dev", preview, preview));
    }

    [Fact]
    public async Task A_plan_against_the_state_names_what_is_replaced_and_removed()
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("dev"));
        var steps = preview["steps"]!.AsArray();
        var (map, armor) = (
            PreviewJson.State(preview, "URLMap", "hosts"),
            PreviewJson.State(preview, "SecurityPolicy")
        );
        var same = steps.Select(step => PreviewJson.Step("same", step!["newState"], step["newState"])).ToList();
        steps.Clear();
        foreach (var step in same)
            steps.Add((JsonNode)step);
        foreach (var (state, op) in new[] { (map, "replace"), (armor, "delete") })
        {
            var step = same.Single(candidate => (string)candidate["urn"]! == (string)state["urn"]!);
            step["op"] = op;
            if (op == "delete")
                step["newState"] = null;
        }

        var comment = await PlanAsync("dev", preview);

        Assert.Contains("| ± | URLMap hosts | **replaced** |", comment);
        Assert.Contains("| − | SecurityPolicy armor | **removed** |", comment);
        Assert.Contains("| Cloud Armor, 11 rules | 16.00 | 0.00 |", comment);
    }

    [Fact]
    public async Task A_region_without_prices_is_said_to_have_none()
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("dev"));
        PreviewJson.State(preview, "DatabaseInstance")["inputs"]!["region"] = "asia-south1";

        var comment = await PlanAsync("dev", preview, preview);

        Assert.Contains("No prices for region asia-south1: add them to .github/prices.json.", comment);
    }

    [Fact]
    public async Task Nothing_in_a_preview_becomes_markup_of_ours()
    {
        var preview = PreviewJson.Of(await Graph.OfAsync("dev"));
        var state = PreviewJson.State(preview, "DatabaseInstance");
        state["urn"] = "urn:pulumi:dev::tenant::x::a|b\r@everyone <img src=x> [click](https://evil.example)";
        state["inputs"]!["settings"]!["tier"] = "```\n# head";

        var comment = await PlanAsync("dev`<b>", preview, new JsonObject { ["steps"] = new JsonArray() });

        Assert.DoesNotContain("@everyone", comment);
        Assert.DoesNotContain("<img", comment);
        Assert.DoesNotContain("](", comment);
        Assert.DoesNotContain("\r", comment);
        Assert.DoesNotContain("```", comment);
        Assert.StartsWith("### Preview of `devb`\n", comment);
    }

    [Fact]
    public async Task Where_there_was_no_preview_the_comment_says_so()
    {
        var (exitCode, comment, _) = await Tool.RunAsync(
            "node",
            [".github/scripts/plan.mjs", "dev", Path.Combine(Folder, "none.json")]
        );

        Assert.Equal(0, exitCode);
        Assert.Contains("It did not run; the job's log says why.", comment);
    }

    async Task<string> PlanAsync(string stack, JsonObject after, JsonObject? before = null)
    {
        List<string> arguments = [".github/scripts/plan.mjs", stack, await WriteAsync("after.json", after)];
        if (before is not null)
            arguments.Add(await WriteAsync("before.json", before));

        var (exitCode, comment, error) = await Tool.RunAsync("node", arguments);

        Assert.True(exitCode == 0, error);
        return comment;
    }
}
