using System.Text.Json;
using Infra.Tests.Support;

namespace Infra.Tests;

public class MonitoringTests
{
    [Theory, Stacks]
    public async Task Each_host_is_asked_from_outside_and_its_certificate_checked(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        var hosts = graph.All("DnsAuthorization").Select(authorization => authorization.Text("domain"));

        Assert.Equal(
            hosts,
            graph.All("UptimeCheckConfig").Select(check => check.Text("monitoredResource.labels.host"))
        );
        Assert.All(
            graph.All("UptimeCheckConfig"),
            check =>
            {
                // Google's front end answers some paths that end with z itself, /healthz among them.
                Assert.Equal("/health", check.Text("httpCheck.path"));
                Assert.Equal(true, check["httpCheck.useSsl"]);
                Assert.Equal(true, check["httpCheck.validateSsl"]);
                var id = $"{check.Text("displayName")}-check";
                Assert.Contains(
                    $"check_id=\"{id}\"",
                    graph
                        .One("AlertPolicy", $"{check.Name}-down")
                        .Text("conditions.0.conditionPrometheusQueryLanguage.query")
                );
                Assert.Contains(
                    $"check_id=\"{id}\"",
                    graph
                        .One("AlertPolicy", $"{check.Name}-certificate")
                        .Text("conditions.0.conditionPrometheusQueryLanguage.query")
                );
            }
        );
    }

    [Theory, Stacks]
    public async Task Every_alert_reaches_somebody_and_says_what_to_do(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.Equal(13, graph.All("AlertPolicy").Count);
        Assert.All(
            graph.All("AlertPolicy"),
            alert =>
            {
                Assert.Equal(stack == "dev" ? 1 : 2, alert.Texts("notificationChannels").Count);
                Assert.True(alert.Text("documentation.content")!.Split("\n\n") is [{ Length: > 10 }, { Length: > 10 }]);
                Assert.Equal(true, alert["conditions.0.conditionPrometheusQueryLanguage.disableMetricValidation"]);
            }
        );
    }

    [Theory, Stacks]
    public async Task Alerts_watch_this_tenants_resources_only(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        string[] own =
        [
            .. graph.All("UptimeCheckConfig").Select(check => $"check_id=\"{check.Text("displayName")}-check\""),
            $"user_errors_{stack.Replace('-', '_')}{{",
            $"url_map_name=\"{graph.One("URLMap", "hosts").Text("name")}\"",
            $":{graph.One("DatabaseInstance").Name}{Cloud.NameSuffix}\"",
            $"job_name=\"{graph.One("Job").Text("name")}\"",
        ];

        Assert.All(
            graph.All("AlertPolicy"),
            alert =>
                Assert.Contains(
                    own,
                    mark =>
                        alert
                            .Text("conditions.0.conditionPrometheusQueryLanguage.query")!
                            .Contains(mark, StringComparison.Ordinal)
                )
        );
    }

    [Theory]
    [InlineData("acme-corp", 180)]
    [InlineData("globex-health", 400)]
    public async Task The_audit_trail_has_a_bucket_of_its_own_and_a_sink_that_may_write_to_that_bucket_only(
        string stack,
        int days
    )
    {
        var graph = await Graph.OfAsync(stack);

        var bucket = graph.One("ProjectBucketConfig");
        Assert.True(bucket.Protect);
        Assert.Equal(("factory-audit", (double)days), (bucket.Text("project"), bucket["retentionDays"]));
        var sink = graph.One("ProjectSink");
        Assert.Equal(
            $"logging.googleapis.com/projects/factory-audit/locations/europe-west3/buckets/{bucket.Text("bucketId")}",
            sink.Text("destination")
        );
        Assert.Equal(true, sink["uniqueWriterIdentity"]);
        var writer = graph.One("IAMMember", "audit-writer");
        Assert.Equal(
            (
                "factory-audit",
                "roles/logging.bucketWriter",
                "serviceAccount:audit-writer@gcp-sa-logging.iam.gserviceaccount.com"
            ),
            (writer.Text("project"), writer.Text("role"), writer.Text("member"))
        );
        Assert.Equal(
            $"resource.name.endsWith('locations/europe-west3/buckets/{bucket.Text("bucketId")}')",
            writer.Text("condition.expression")
        );
    }

    [Fact]
    public async Task Within_one_project_a_sink_has_no_writer_that_could_be_granted_anything() =>
        Assert.DoesNotContain((await Graph.OfAsync("dev")).All("IAMMember"), node => node.Name == "audit-writer");

    [Theory, Stacks]
    public async Task The_audit_trail_holds_what_the_tenants_resources_log_and_nothing_of_a_neighbour(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        var filter = graph.One("ProjectSink").Text("filter")!;

        Assert.Contains($"service_name=(\"api-{stack}\" OR \"ui-{stack}\")", filter);
        Assert.Contains(
            $"database_id=\"{(stack == "dev" ? "factory-dev" : "factory-prod")}:db-{stack}{Cloud.NameSuffix}\"",
            filter
        );
        // Sign-ins, names and rights are the tenant's too, and so is what Google gives a number.
        Assert.Contains(
            $"resource.labels.tenant_name=\"{graph.One("Tenant").Text("displayName")}",
            Named(filter, graph)
        );
        Assert.Contains($"(\"api-{stack}.", filter);
        Assert.Contains($"protoPayload.methodName=\"SetIamPolicy\" AND (\"api-{stack}@", filter);
        var pattern = System
            .Text.RegularExpressions.Regex.Match(filter, "protoPayload.resourceName=~\"(.*)\"")
            .Groups[1]
            .Value;
        Assert.Matches(pattern, "projects/1/locations/global/keys/5e2b7c1a");
        Assert.Matches(pattern, "projects/-/serviceAccounts/103");
        Assert.Matches(pattern, $"projects/1/locations/europe-west3/buckets/audit-{stack}");
        Assert.Matches(pattern, $"projects/1/secrets/dbpassword-{stack}/versions/1");
        Assert.Matches(pattern, $"namespaces/factory/services/api-{stack}");
        foreach (
            var (kind, type) in (ReadOnlySpan<(string, string)>)
                [
                    ("securityPolicies", "SecurityPolicy"),
                    ("urlMaps", "URLMap"),
                    ("backendServices", "BackendService"),
                    ("sslPolicies", "SSLPolicy"),
                    ("certificateMaps", "CertificateMap"),
                ]
        )
            Assert.All(
                graph.All(type),
                node => Assert.Matches(pattern, $"projects/factory/global/{kind}/{node.Text("name")}")
            );
        Assert.DoesNotMatch(pattern, $"projects/1/secrets/dbpassword-{stack}-two/versions/1");
    }

    // The pool's name is Google's.
    static string Named(string filter, Graph graph) =>
        filter.Replace($"users{Cloud.NameSuffix}", graph.One("Tenant").Text("displayName"), StringComparison.Ordinal);

    [Theory, Stacks]
    public async Task An_uptime_check_costs_a_sixth_of_what_one_a_minute_costs(string stack) =>
        Assert.All(
            (await Graph.OfAsync(stack)).All("UptimeCheckConfig"),
            check => Assert.Equal("300s", check.Text("period"))
        );

    [Theory, Stacks]
    public async Task A_budget_of_failures_alerts_by_how_fast_it_is_spent_on_a_long_and_a_short_window(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        var objective = graph.One("Slo");
        string Query(string alert) =>
            graph.One("AlertPolicy", alert).Text("conditions.0.conditionPrometheusQueryLanguage.query")!;

        Assert.Equal((0.995, 28.0), (objective["goal"], objective["rollingPeriodDays"]));
        Assert.Contains(
            $"url_map_name=\"edge-{stack}\" metric.labels.response_code_class=500",
            objective.Text("requestBasedSli.goodTotalRatio.badServiceFilter")
        );
        Assert.Matches(@"\[1h\].*> 0\.072 and .*\[5m\].*> 0\.072$", Query("failures"));
        Assert.Matches(@"\[6h\].*> 0\.03 and .*\[30m\].*> 0\.03$", Query("failures-slow"));
    }

    [Theory, Stacks]
    public async Task The_dashboard_is_one_that_the_API_accepts_and_shows_the_tenant(string stack)
    {
        var dashboard = JsonDocument
            .Parse((await Graph.OfAsync(stack)).One("Dashboard").Text("dashboardJson")!)
            .RootElement;

        Assert.Equal($"Tenant {stack}", dashboard.GetProperty("displayName").GetString());
        var tiles = dashboard.GetProperty("mosaicLayout").GetProperty("tiles").EnumerateArray().ToList();
        Assert.Equal(
            6,
            tiles
                .Select(tile => (tile.GetProperty("xPos").GetInt32(), tile.GetProperty("yPos").GetInt32()))
                .Distinct()
                .Count()
        );
        Assert.All(
            tiles,
            tile => Assert.True(tile.GetProperty("xPos").GetInt32() + tile.GetProperty("width").GetInt32() <= 12)
        );
    }

    [Theory]
    [InlineData("dev", "150", "USD")]
    [InlineData("acme-corp", "1200", "EUR")]
    [InlineData("globex-health", "2500", "EUR")]
    public async Task The_budget_counts_what_carries_the_tenants_label_and_warns_before_it_is_spent(
        string stack,
        string units,
        string currency
    )
    {
        var budget = (await Graph.OfAsync(stack)).One("Budget");

        Assert.Equal(stack, budget.Text("budgetFilter.labels.tenant"));
        Assert.Equal(
            (units, currency),
            (budget.Text("amount.specifiedAmount.units"), budget.Text("amount.specifiedAmount.currencyCode"))
        );
        Assert.Equal(
            [0.5, 0.9, 1.0, 1.0],
            budget.List("thresholdRules").Select(rule => (double)rule["thresholdPercent"]!)
        );
        Assert.NotEmpty(budget.Texts("allUpdatesRule.monitoringNotificationChannels"));
    }
}
