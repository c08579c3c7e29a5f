using System.Globalization;
using Pulumi;
using Pulumi.Gcp.Monitoring;
using Pulumi.Gcp.Monitoring.Inputs;

namespace Infra;

/// <summary>
/// How many of a month's requests may fail, and alerts on how fast that budget is spent: a twentieth of it in six
/// hours, a fiftieth in one. The short window ends the alert soon after the cause.
/// See <see href="https://sre.google/workbook/alerting-on-slos/">alerting on SLOs</see>.
/// </summary>
/// <param name="tenant">The tenant.</param>
/// <param name="map">Name of its URL map.</param>
/// <param name="parent">The part that declares them.</param>
sealed class ServiceLevels(Tenant tenant, Output<string> map, Monitoring parent)
{
    const double Goal = 0.995;

    internal void Declare(Alerts alerts)
    {
        var service = new CustomService(
            "tenant",
            new CustomServiceArgs
            {
                ServiceId = tenant.Names.Label("tenant"),
                DisplayName = $"Tenant {tenant.Slug}",
                UserLabels = tenant.Labels,
            },
            new CustomResourceOptions { Parent = parent }
        );
        Objective(service);
        Burning(alerts, "failures", 14.4, "1h", "5m");
        Burning(alerts, "failures-slow", 6, "6h", "30m");
    }

    void Objective(CustomService service)
    {
        var total = map.Apply(name =>
            "metric.type=\"loadbalancing.googleapis.com/https/request_count\" resource.type=\"https_lb_rule\" "
            + $"resource.labels.url_map_name=\"{name}\""
        );
        _ = new Slo(
            "availability",
            new SloArgs
            {
                Service = service.ServiceId,
                SloId = tenant.Names.Label("availability"),
                DisplayName = "Requests that do not fail, in 28 days",
                Goal = Goal,
                RollingPeriodDays = 28,
                UserLabels = tenant.Labels,
                RequestBasedSli = new SloRequestBasedSliArgs
                {
                    GoodTotalRatio = new SloRequestBasedSliGoodTotalRatioArgs
                    {
                        TotalServiceFilter = total,
                        BadServiceFilter = Output.Format($"{total} metric.labels.response_code_class=500"),
                    },
                },
            },
            new CustomResourceOptions { Parent = parent }
        );
    }

    void Burning(Alerts alerts, string name, double rate, string window, string moment) =>
        alerts.Add(
            name,
            $"Requests fail {rate.ToString(CultureInfo.InvariantCulture)} times faster than the month allows",
            "Compare the revisions of both services; roll back the one that changed last.",
            map.Apply(map => $"{Failing(map, window, rate)} and {Failing(map, moment, rate)}")
        );

    static string Failing(string map, string window, double rate)
    {
        var failed = PromQl.Requests(map, "response_code_class", "500");
        var limit = ((1 - Goal) * rate).ToString("0.####", CultureInfo.InvariantCulture);
        return $"sum(rate({failed}[{window}])) / sum(rate({PromQl.Requests(map)}[{window}])) > {limit}";
    }
}
