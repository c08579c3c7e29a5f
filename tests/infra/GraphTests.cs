using System.Text.Json;
using Infra.Tests.Support;
using Pulumi;
using Pulumi.Utilities;

namespace Infra.Tests;

public class GraphTests
{
    [Theory, Stacks]
    public async Task The_graph_is_the_recorded_one(string stack)
    {
        var file = Path.Combine(StackFiles.Root, "tests", "infra", "golden", $"{stack}.txt");
        var actual = Golden.Render(await Graph.OfAsync(stack));
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, actual, TestContext.Current.CancellationToken);
        }

        var recorded = File.Exists(file)
            ? await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)
            : "";
        if (recorded != actual)
            Assert.Fail(
                $"tests/infra/golden/{stack}.txt differs, first in {FirstDifference(recorded, actual)}\n"
                    + "If that is meant: UPDATE_GOLDEN=1 dotnet run --project tests/infra, and read the diff."
            );

        static string FirstDifference(string recorded, string actual)
        {
            var (old, now) = (recorded.Split('\n'), actual.Split('\n'));
            var line = Enumerable
                .Range(0, Math.Max(old.Length, now.Length))
                .First(index => old.ElementAtOrDefault(index) != now.ElementAtOrDefault(index));
            return $"line {line + 1}:\n- {old.ElementAtOrDefault(line)}\n+ {now.ElementAtOrDefault(line)}";
        }
    }

    [Theory, Stacks]
    public async Task No_secret_stands_in_a_recorded_graph(string stack)
    {
        var golden = Golden.Render(await Graph.OfAsync(stack));

        Assert.DoesNotContain("plain-text-of-", golden);
        Assert.Equal(stack == "globex-health" ? 5 : 4, golden.Split("[secret]").Length - 1);
    }

    [Theory, Stacks]
    public async Task The_routing_output_is_the_document_that_the_migrator_writes(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        var routing = JsonSerializer.SerializeToElement(await OutputUtilities.GetValueAsync(graph.Outputs.Routing));
        var domain = stack == "dev" ? "dev.factory.example.com" : "factory.example.com";
        var expected = $$$"""
            {"tenant_slug":"{{{stack}}}","isolation_mode":"isolated",
             "database":{"name":"tenant_{{{stack.Replace('-', '_')}}}","host":"10.20.0.5","port":5432},
             "endpoints":{"api":"api-{{{stack}}}.{{{domain}}}","ui":"app-{{{stack}}}.{{{domain}}}"}}
            """;
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(expected).RootElement, routing), routing.ToString());
    }

    [Fact]
    public async Task The_outputs_tell_where_the_tenant_is()
    {
        var outputs = (await Graph.OfAsync("acme-corp")).Outputs;

        Assert.Equal("https://api-acme-corp.factory.example.com", await OutputUtilities.GetValueAsync(outputs.ApiUrl));
        Assert.Equal("https://app-acme-corp.factory.example.com", await OutputUtilities.GetValueAsync(outputs.UiUrl));
        Assert.Equal("203.0.113.10", await OutputUtilities.GetValueAsync(outputs.LoadBalancerIp));
        Assert.Equal($"db-acme-corp{Cloud.NameSuffix}", await OutputUtilities.GetValueAsync(outputs.DatabaseInstance));
        Assert.Equal("tenant_acme_corp", await OutputUtilities.GetValueAsync(outputs.DatabaseName));
        Assert.Equal(
            $"factory:europe-west3:db-acme-corp{Cloud.NameSuffix}",
            await OutputUtilities.GetValueAsync(outputs.ConnectionName)
        );
        Assert.Equal("factory-prod", await OutputUtilities.GetValueAsync(outputs.Project));
        Assert.Equal("europe-west3", await OutputUtilities.GetValueAsync(outputs.Region));
        Assert.Equal("migrator-acme-corp", await OutputUtilities.GetValueAsync(outputs.MigrationJob));
        Assert.Equal(
            (await Graph.OfAsync("acme-corp")).One("ProjectSink").Text("destination"),
            $"logging.googleapis.com/{await OutputUtilities.GetValueAsync(outputs.AuditBucket)}"
        );
        Assert.Equal(
            $"https://console.cloud.google.com/monitoring/dashboards/builder/dashboard{Cloud.NameSuffix}"
                + "?project=factory-prod",
            await OutputUtilities.GetValueAsync(outputs.DashboardUrl)
        );
    }

    [Fact]
    public void Every_part_takes_a_name_arguments_of_its_own_and_options()
    {
        var parts = typeof(TenantStack)
            .Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(ComponentResource)) && !type.IsAssignableTo(typeof(Stack)))
            .ToList();

        Assert.NotEmpty(parts);
        Assert.All(
            parts,
            part =>
                Assert.Equal(
                    ["String name", $"{part.Name}Args args", "ComponentResourceOptions options"],
                    Assert
                        .Single(part.GetConstructors())
                        .GetParameters()
                        .Select(parameter => $"{parameter.ParameterType.Name} {parameter.Name}")
                )
        );
    }

    [Fact]
    public void The_suite_runs_on_the_SDK_that_the_build_chose() =>
        Assert.Equal(SdkBanner.Sdk == "nuget" ? "Pulumi" : "PulumiDouble", typeof(Deployment).Assembly.GetName().Name);
}
