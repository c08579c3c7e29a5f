namespace Infra;

/// <summary>The metrics that alerts, objectives and the dashboard ask for, as PromQL.</summary>
static class PromQl
{
    /// <summary>
    /// A metric in PromQL: the first slash of its name becomes a colon, every other special character an underscore.
    /// See <see href="https://cloud.google.com/monitoring/promql/promql-mapping">mapping</see>.
    /// </summary>
    static string Series(string metric, string resource, params IEnumerable<(string Name, string Value)> labels)
    {
        var slash = metric.IndexOf('/', StringComparison.Ordinal);
        var selectors = labels
            .Prepend(("monitored_resource", resource))
            .Select(label => $"{label.Item1}=\"{label.Item2}\"");
        return $"{Underscored(metric[..slash])}:{Underscored(metric[(slash + 1)..])}{{{string.Join(',', selectors)}}}";

        static string Underscored(string text) =>
            string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
    }

    internal static string Errors(string metric) =>
        Series($"logging.googleapis.com/user/{metric}", "cloud_run_revision");

    internal static string Requests(string map) =>
        Series("loadbalancing.googleapis.com/https/request_count", "https_lb_rule", ("url_map_name", map));

    internal static string Requests(string map, string label, string value) =>
        Series(
            "loadbalancing.googleapis.com/https/request_count",
            "https_lb_rule",
            ("url_map_name", map),
            (label, value)
        );

    internal static string Latency(string map)
    {
        var buckets = Series(
            "loadbalancing.googleapis.com/https/total_latencies_bucket",
            "https_lb_rule",
            ("url_map_name", map)
        );
        return $"histogram_quantile(0.95, sum by (le) (rate({buckets}[5m])))";
    }

    internal static string FailedExecutions(string job) =>
        Series(
            "run.googleapis.com/job/completed_execution_count",
            "cloud_run_job",
            ("job_name", job),
            ("result", "failed")
        );

    internal static string Instances(string service) =>
        Series("run.googleapis.com/container/instance_count", "cloud_run_revision", ("service_name", service));

    internal static string OfDatabase(string metric, string id) =>
        Series($"cloudsql.googleapis.com/database/{metric}", "cloudsql_database", ("database_id", id));

    internal static string OfCheck(string metric, string id) =>
        Series($"monitoring.googleapis.com/uptime_check/{metric}", "uptime_url", ("check_id", id));
}
