using Pulumi;
using Pulumi.Gcp.Logging;
using Pulumi.Gcp.Logging.Inputs;
using Pulumi.Gcp.Monitoring;
using Pulumi.Gcp.Monitoring.Inputs;

namespace Infra;

/// <summary>
/// What tells how the tenant fares: uptime checks from outside, alerts that reach a person, a dashboard, and an audit
/// trail of the tenant's own, kept apart from everybody else's logs and as long as its plan says.
/// </summary>
public sealed class Monitoring : ComponentResource
{
    readonly Tenant tenant;
    readonly Alerts alerts;

    /// <summary>Declares checks, alerts, dashboard and audit trail.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Monitoring(string name, MonitoringArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Monitoring", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        tenant = args.Tenant;
        alerts = new(tenant, this);
        var errors = Errors(args.Services);
        Uptime("api", tenant.ApiHost);
        Uptime("ui", tenant.UiHost);
        AlertOnRequests(errors.Name, args.Edge.UrlMap.Name);
        AlertOnDatabase(args);
        if (args.Migration.Job is { } job)
            alerts.Add(
                "migration",
                "The migration job failed",
                "Run 'migrator status', then run the job again: it goes on where it stopped.",
                job.Name.Apply(name => $"sum(increase({PromQl.FailedExecutions(name)}[10m])) > 0")
            );

        Dashboard = new Dashboard(
            "dashboard",
            new DashboardArgs { DashboardJson = Charts.Of(args, errors.Name) },
            new CustomResourceOptions { Parent = this }
        );
        new AuditTrail(args, this).Declare();
        RegisterOutputs(new Dictionary<string, object?> { ["dashboard"] = Dashboard.Id });
    }

    /// <summary>The tenant's dashboard.</summary>
    public Dashboard Dashboard { get; }

    Metric Errors(Services services) =>
        new(
            "errors",
            new MetricArgs
            {
                Name = tenant.Names.Logging("errors"),
                Description = $"Errors that the programs of tenant {tenant.Slug} logged",
                Filter = Output.Format(
                    $"""
                    resource.type="cloud_run_revision"
                    AND resource.labels.service_name=("{services.Api.Name}" OR "{services.Ui.Name}")
                    AND severity>=ERROR
                    """
                ),
                MetricDescriptor = new MetricMetricDescriptorArgs { MetricKind = "DELTA", ValueType = "INT64" },
            },
            new CustomResourceOptions { Parent = this }
        );

    void AlertOnRequests(Output<string> metric, Output<string> map)
    {
        alerts.Add(
            "errors",
            "Errors in the tenant's programs",
            "Open the dashboard, then the log of the service that fails.",
            metric.Apply(name => $"sum(increase({PromQl.Errors(name)}[5m])) > 10")
        );
        new ServiceLevels(tenant, map, this).Declare(alerts);
        alerts.Add(
            "latency",
            "One request in twenty takes longer than two seconds",
            "See the slowest statements in Query Insights.",
            map.Apply(name => $"{PromQl.Latency(name)} > 2000")
        );
    }

    void AlertOnDatabase(MonitoringArgs args)
    {
        var databaseId = args.Database.Instance.Name.Apply(name => $"{tenant.Platform.Project}:{name}");
        alerts.Add(
            "cpu",
            "The database's CPU is above 90 %",
            "Raise machineType in the stack's file.",
            databaseId.Apply(id => $"avg_over_time({PromQl.OfDatabase("cpu/utilization", id)}[15m]) > 0.9")
        );
        alerts.Add(
            "disk",
            "The database's disk is 90 % full",
            "It grows by itself; find out what fills it. A replication slot keeps write-ahead log: 'migrator status' "
                + "shows the promotion's, 'migrator doctor' one left behind.",
            databaseId.Apply(id => $"{PromQl.OfDatabase("disk/utilization", id)} > 0.9")
        );
        AlertOnSessions(databaseId, args.MaxConnections);
    }

    void AlertOnSessions(Output<string> databaseId, int maxConnections)
    {
        alerts.Add(
            "connections",
            "Four fifths of the database's connections are in use",
            "Raise maxConnections, or lower connectionsPerInstance.",
            databaseId.Apply(id =>
                $"sum({PromQl.OfDatabase("postgresql/num_backends", id)}) > {maxConnections * 4 / 5}"
            )
        );
        alerts.Add(
            "memory",
            "The database's memory is 95 % used",
            "See the largest statements in Query Insights; lower maxConnections, or raise machineType.",
            databaseId.Apply(id => $"avg_over_time({PromQl.OfDatabase("memory/utilization", id)}[15m]) > 0.95")
        );
    }

    void Uptime(string workload, string host)
    {
        var check = Check(workload, host);
        alerts.Add(
            $"{workload}-down",
            $"{host} does not answer",
            "Check both services, then the certificate and the names.",
            check.UptimeCheckId.Apply(id => $"count({PromQl.OfCheck("check_passed", id)} == 0) > 1")
        );
        alerts.Add(
            $"{workload}-certificate",
            $"The certificate of {host} ends within a fortnight",
            "Check the authorization's record in the zone.",
            check.UptimeCheckId.Apply(id => $"min({PromQl.OfCheck("time_until_ssl_cert_expires", id)}) < 14")
        );
    }

    UptimeCheckConfig Check(string workload, string host) =>
        new(
            workload,
            new UptimeCheckConfigArgs
            {
                DisplayName = host,
                // A sixth of a checker's minute: executions are paid by the piece, and failing requests alert by themselves.
                Period = "300s",
                Timeout = "10s",
                UserLabels = tenant.Labels,
                HttpCheck = new UptimeCheckConfigHttpCheckArgs
                {
                    Path = Services.HealthPath,
                    Port = 443,
                    UseSsl = true,
                    ValidateSsl = true,
                },
                MonitoredResource = new UptimeCheckConfigMonitoredResourceArgs
                {
                    Type = "uptime_url",
                    Labels = { ["project_id"] = tenant.Platform.Project, ["host"] = host },
                },
            },
            new CustomResourceOptions { Parent = this }
        );
}

/// <summary>What <see cref="Monitoring"/> is made of.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Identity">Whose doings the audit trail records.</param>
/// <param name="Encryption">The tenant's own key; <c>null</c> where the plan has none.</param>
/// <param name="Database">The server to watch.</param>
/// <param name="Migration">The job to watch.</param>
/// <param name="Services">The programs to watch.</param>
/// <param name="Edge">The load balancer to watch.</param>
/// <param name="MaxConnections">PostgreSQL <c>max_connections</c>.</param>
/// <param name="LogRetentionDays">How long the tenant's audit trail is kept.</param>
public sealed record MonitoringArgs(
    Tenant Tenant,
    Identity Identity,
    Encryption? Encryption,
    Database Database,
    Migration Migration,
    Services Services,
    Edge Edge,
    int MaxConnections,
    int LogRetentionDays
);
