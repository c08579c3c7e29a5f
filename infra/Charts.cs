using System.Text.Json;
using Pulumi;

namespace Infra;

/// <summary>The tenant's dashboard, as Google's API takes it.</summary>
static class Charts
{
    internal static Output<string> Of(MonitoringArgs args, Output<string> errors) =>
        Output
            .Tuple(args.Database.Instance.Name, args.Edge.UrlMap.Name, errors, args.Services.Api.Name)
            .Apply(names => Json(args.Tenant, Queries(args.Tenant.Platform.Project, names)));

    static (string Title, string Query)[] Queries(string project, (string, string, string, string) names)
    {
        var (instance, map, metric, api) = names;
        var databaseId = $"{project}:{instance}";
        return
        [
            ("Requests a second, by status", $"sum by (response_code_class) (rate({PromQl.Requests(map)}[1m]))"),
            ("Latency, 95th percentile (ms)", PromQl.Latency(map)),
            ("Errors logged", $"sum(increase({PromQl.Errors(metric)}[5m]))"),
            ("API instances", $"sum({PromQl.Instances(api)})"),
            ("Database CPU", PromQl.OfDatabase("cpu/utilization", databaseId)),
            ("Database connections", $"sum({PromQl.OfDatabase("postgresql/num_backends", databaseId)})"),
        ];
    }

    static string Json(Tenant tenant, (string Title, string Query)[] charts) =>
        JsonSerializer.Serialize(
            new
            {
                displayName = $"Tenant {tenant.Slug}",
                labels = new Dictionary<string, string> { ["tenant"] = tenant.Slug.Text },
                mosaicLayout = new
                {
                    columns = 12,
                    tiles = charts.Select(
                        (chart, index) =>
                            new
                            {
                                xPos = index % 2 * 6,
                                yPos = index / 2 * 4,
                                width = 6,
                                height = 4,
                                widget = Widget(chart.Title, chart.Query),
                            }
                    ),
                },
            }
        );

    static object Widget(string title, string query) =>
        new
        {
            title,
            xyChart = new
            {
                dataSets = new[] { new { plotType = "LINE", timeSeriesQuery = new { prometheusQuery = query } } },
            },
        };
}
