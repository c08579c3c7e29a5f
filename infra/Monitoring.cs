using System.Globalization;
using System.Text.Json;
using Pulumi;
using Pulumi.Gcp.Logging;
using Pulumi.Gcp.Logging.Inputs;
using Pulumi.Gcp.Monitoring;
using Pulumi.Gcp.Monitoring.Inputs;
using Pulumi.Gcp.Projects;
using Pulumi.Gcp.Projects.Inputs;
using Account = Pulumi.Gcp.ServiceAccount.Account;

namespace Infra;

/// <summary>
/// What tells how the tenant fares: uptime checks from outside, alerts that reach a person, a dashboard, and an audit
/// trail of the tenant's own, kept apart from everybody else's logs and as long as its plan says.
/// </summary>
public sealed class Monitoring : ComponentResource
{
    readonly Tenant tenant;

    /// <summary>Declares checks, alerts, dashboard and audit trail.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Monitoring(string name, MonitoringArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Monitoring", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        tenant = args.Tenant;
        var (database, migration, services, edge) = (args.Database, args.Migration, args.Services, args.Edge);
        var errors = new Metric(
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
        var (metric, map) = (errors.Name, edge.UrlMap.Name);
        var databaseId = database.Instance.Name.Apply(name => $"{tenant.Platform.Project}:{name}");

        Uptime("api", tenant.ApiHost);
        Uptime("ui", tenant.UiHost);
        Alert(
            "errors",
            "Errors in the tenant's programs",
            "Open the dashboard, then the log of the service that fails.",
            metric.Apply(name => $"sum(increase({Errors(name)}[5m])) > 10")
        );
        Objective(map);
        Alert(
            "latency",
            "One request in twenty takes longer than two seconds",
            "See the slowest statements in Query Insights.",
            map.Apply(name => $"{Latency(name)} > 2000")
        );
        Alert(
            "cpu",
            "The database's CPU is above 90 %",
            "Raise machineType in the stack's file.",
            databaseId.Apply(id => $"avg_over_time({OfDatabase("cpu/utilization", id)}[15m]) > 0.9")
        );
        Alert(
            "disk",
            "The database's disk is 90 % full",
            "It grows by itself; find out what fills it. A replication slot keeps write-ahead log: 'migrator status' "
                + "shows the promotion's, 'migrator doctor' one left behind.",
            databaseId.Apply(id => $"{OfDatabase("disk/utilization", id)} > 0.9")
        );
        Alert(
            "connections",
            "Four fifths of the database's connections are in use",
            "Raise maxConnections, or lower connectionsPerInstance.",
            databaseId.Apply(id => $"sum({OfDatabase("postgresql/num_backends", id)}) > {args.MaxConnections * 4 / 5}")
        );
        Alert(
            "memory",
            "The database's memory is 95 % used",
            "See the largest statements in Query Insights; lower maxConnections, or raise machineType.",
            databaseId.Apply(id => $"avg_over_time({OfDatabase("memory/utilization", id)}[15m]) > 0.95")
        );
        if (migration.Job is { } job)
            Alert(
                "migration",
                "The migration job failed",
                "Run 'migrator status', then run the job again: it goes on where it stopped.",
                job.Name.Apply(name => $"sum(increase({FailedExecutions(name)}[10m])) > 0")
            );

        Dashboard = new Dashboard(
            "dashboard",
            new DashboardArgs { DashboardJson = Charts(database, services, edge, errors) },
            new CustomResourceOptions { Parent = this }
        );
        AuditTrail(args);
        RegisterOutputs(new Dictionary<string, object?> { ["dashboard"] = Dashboard.Id });
    }

    /// <summary>The tenant's dashboard.</summary>
    public Dashboard Dashboard { get; }

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

    static string Errors(string metric) => Series($"logging.googleapis.com/user/{metric}", "cloud_run_revision");

    static string Requests(string map) =>
        Series("loadbalancing.googleapis.com/https/request_count", "https_lb_rule", ("url_map_name", map));

    static string Requests(string map, string label, string value) =>
        Series(
            "loadbalancing.googleapis.com/https/request_count",
            "https_lb_rule",
            ("url_map_name", map),
            (label, value)
        );

    static string Latency(string map)
    {
        var buckets = Series(
            "loadbalancing.googleapis.com/https/total_latencies_bucket",
            "https_lb_rule",
            ("url_map_name", map)
        );
        return $"histogram_quantile(0.95, sum by (le) (rate({buckets}[5m])))";
    }

    static string FailedExecutions(string job) =>
        Series(
            "run.googleapis.com/job/completed_execution_count",
            "cloud_run_job",
            ("job_name", job),
            ("result", "failed")
        );

    static string Instances(string service) =>
        Series("run.googleapis.com/container/instance_count", "cloud_run_revision", ("service_name", service));

    static string OfDatabase(string metric, string id) =>
        Series($"cloudsql.googleapis.com/database/{metric}", "cloudsql_database", ("database_id", id));

    static string OfCheck(string metric, string id) =>
        Series($"monitoring.googleapis.com/uptime_check/{metric}", "uptime_url", ("check_id", id));

    /// <summary>
    /// How many of a month's requests may fail, and alerts on how fast that budget is spent: a twentieth of it in six
    /// hours, a fiftieth in one. The short window ends the alert soon after the cause.
    /// See <see href="https://sre.google/workbook/alerting-on-slos/">alerting on SLOs</see>.
    /// </summary>
    void Objective(Output<string> map)
    {
        const double Goal = 0.995;
        var service = new CustomService(
            "tenant",
            new CustomServiceArgs
            {
                ServiceId = tenant.Names.Label("tenant"),
                DisplayName = $"Tenant {tenant.Slug}",
                UserLabels = tenant.Labels,
            },
            new CustomResourceOptions { Parent = this }
        );
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
            new CustomResourceOptions { Parent = this }
        );

        Burning("failures", 14.4, "1h", "5m");
        Burning("failures-slow", 6, "6h", "30m");

        void Burning(string name, double rate, string window, string moment) =>
            Alert(
                name,
                $"Requests fail {rate.ToString(CultureInfo.InvariantCulture)} times faster than the month allows",
                "Compare the revisions of both services; roll back the one that changed last.",
                map.Apply(map => $"{Failing(map, window, rate)} and {Failing(map, moment, rate)}")
            );

        static string Failing(string map, string window, double rate)
        {
            var failed = Requests(map, "response_code_class", "500");
            var limit = ((1 - Goal) * rate).ToString("0.####", CultureInfo.InvariantCulture);
            return $"sum(rate({failed}[{window}])) / sum(rate({Requests(map)}[{window}])) > {limit}";
        }
    }

    void Uptime(string workload, string host)
    {
        var check = new UptimeCheckConfig(
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

        Alert(
            $"{workload}-down",
            $"{host} does not answer",
            "Check both services, then the certificate and the names.",
            check.UptimeCheckId.Apply(id => $"count({OfCheck("check_passed", id)} == 0) > 1")
        );
        Alert(
            $"{workload}-certificate",
            $"The certificate of {host} ends within a fortnight",
            "Check the authorization's record in the zone.",
            check.UptimeCheckId.Apply(id => $"min({OfCheck("time_until_ssl_cert_expires", id)}) < 14")
        );
    }

    void Alert(string name, string title, string remedy, Output<string> query) =>
        _ = new AlertPolicy(
            name,
            new AlertPolicyArgs
            {
                DisplayName = $"{tenant.Slug}: {title}",
                Combiner = "OR",
                Severity = name.EndsWith("-down", StringComparison.Ordinal) ? "CRITICAL" : "WARNING",
                NotificationChannels = tenant.Platform.NotificationChannels.ToArray(),
                UserLabels = tenant.Labels,
                Documentation = new AlertPolicyDocumentationArgs
                {
                    Content = $"{title}.\n\n{remedy}",
                    MimeType = "text/markdown",
                },
                AlertStrategy = new AlertPolicyAlertStrategyArgs { AutoClose = "86400s" },
                Conditions =
                {
                    new AlertPolicyConditionArgs
                    {
                        DisplayName = title,
                        ConditionPrometheusQueryLanguage = new AlertPolicyConditionConditionPrometheusQueryLanguageArgs
                        {
                            Query = query,
                            Duration = "120s",
                            EvaluationInterval = "60s",
                            // A metric exists from its first point on; without this the API answers 404 to an alert on
                            // a new one.
                            DisableMetricValidation = true,
                        },
                    },
                },
            },
            new CustomResourceOptions { Parent = this }
        );

    /// <summary>
    /// A log bucket of the tenant's own and the sink that fills it: what its programs and its load balancer log, and
    /// what <see href="https://cloud.google.com/logging/docs/audit">Cloud Audit Logs</see> record about its resources, its
    /// users, its names and its rights. The platform keeps all of it out of the project's shared bucket.
    /// </summary>
    void AuditTrail(MonitoringArgs args)
    {
        var (database, services, edge, identity) = (args.Database, args.Services, args.Edge, args.Identity);
        var platform = tenant.Platform;
        // Not locked: a locked bucket outlives 'pulumi destroy' by its retention. Protected instead.
        var settings = new ProjectBucketConfigArgs
        {
            Project = platform.AuditProject,
            Location = platform.Region,
            BucketId = tenant.Names.Logging("audit"),
            RetentionDays = args.LogRetentionDays,
            EnableAnalytics = true,
            Description = $"Audit trail of tenant {tenant.Slug}",
        };
        if (args.Encryption is { } encryption)
            settings.CmekSettings = new ProjectBucketConfigCmekSettingsArgs { KmsKeyName = encryption.Key.Id };

        var bucket = new ProjectBucketConfig(
            "audit",
            settings,
            new CustomResourceOptions
            {
                Parent = this,
                Protect = tenant.Protected,
                DependsOn = args.Encryption?.Users.ToArray() ?? [],
            }
        );
        var audited = Output.Format(
            $"""
            (protoPayload.resourceName=~"{Resources(args)}"
            OR (protoPayload.serviceName="dns.googleapis.com" AND ("{tenant.ApiHost}." OR "{tenant.UiHost}."))
            OR (protoPayload.methodName="SetIamPolicy" AND ({Members(args)})))
            """
        );
        var path =
            $"projects/{platform.AuditProject}/locations/{platform.Region}/buckets/{tenant.Names.Logging("audit")}";

        var sink = new ProjectSink(
            "audit",
            new ProjectSinkArgs
            {
                Name = tenant.Names.Logging("audit"),
                Destination = $"logging.googleapis.com/{path}",
                UniqueWriterIdentity = true,
                Filter = Output.Format(
                    $"""
                    resource.labels.service_name=("{services.Api.Name}" OR "{services.Ui.Name}")
                    OR resource.labels.job_name="{tenant.Names.Run("migrator")}"
                    OR resource.labels.database_id="{platform.Project}:{database.Instance.Name}"
                    OR resource.labels.url_map_name="{edge.UrlMap.Name}"
                    OR resource.labels.tenant_name="{identity.Users.Name}"
                    OR (log_id("cloudaudit.googleapis.com/activity") AND {audited})
                    OR (log_id("cloudaudit.googleapis.com/data_access") AND {audited})
                    """
                ),
            },
            new CustomResourceOptions { Parent = this, DependsOn = { bucket } }
        );

        // Within one project a sink may write without being told so, and has no writer to tell.
        // https://cloud.google.com/logging/docs/export/configure_export_v2#dest-auth
        if (platform.AuditProject != platform.Project)
            _ = new IAMMember(
                "audit-writer",
                new IAMMemberArgs
                {
                    Project = platform.AuditProject,
                    Role = "roles/logging.bucketWriter",
                    Member = sink.WriterIdentity,
                    Condition = new IAMMemberConditionArgs
                    {
                        Title = "only-this-bucket",
                        Expression =
                            $"resource.name.endsWith('locations/{platform.Region}/buckets/"
                            + $"{tenant.Names.Logging("audit")}')",
                    },
                },
                new CustomResourceOptions { Parent = this }
            );
    }

    static Account[] Accounts(MonitoringArgs args) => [args.Identity.Api, args.Identity.Ui, args.Identity.Migrator];

    // Whose rights a change of the project's policy gives or takes.
    static Output<string> Members(MonitoringArgs args) =>
        Output
            .All(Accounts(args).Select(account => (Input<string>)account.Email))
            .Apply(emails => string.Join(" OR ", emails.Select(email => $"\"{email}\"")));

    Output<string> Resources(MonitoringArgs args)
    {
        var names = tenant.Names;
        string[] resources =
        [
            $"secrets/{names.Secret("dbpassword")}",
            $"secrets/{names.Secret("signingkey")}",
            $"secrets/{names.Secret("signinkey")}",
            $"secrets/{names.Secret("serverca")}",
            $"services/{names.Run("api")}",
            $"services/{names.Run("ui")}",
            $"jobs/{names.Run("migrator")}",
            $"securityPolicies/{names.Label("armor")}",
            $"urlMaps/{names.Label("edge")}",
            $"urlMaps/{names.Label("redirect")}",
            $"backendServices/{names.Label("api")}",
            $"backendServices/{names.Label("ui")}",
            $"sslPolicies/{names.Label("tls")}",
            $"certificateMaps/{names.Label("tls")}",
            $"serviceAccounts/{names.Account("api")}",
            $"serviceAccounts/{names.Account("ui")}",
            $"serviceAccounts/{names.Account("migrator")}",
            $"buckets/{names.Logging("audit")}",
            $"sinks/{names.Logging("audit")}",
        ];
        var identity = args.Identity;
        // What Google names: an account goes by its number too.
        Output<string>[] numbered =
        [
            Output.Format($"tenants/{identity.Users.Name}"),
            Output.Format($"keys/{identity.Key.Uid}"),
            .. Accounts(args).Select(account => Output.Format($"serviceAccounts/{account.UniqueId}")),
            .. args.Encryption is { } encryption
                ? [encryption.Key.Name.Apply(key => $"cryptoKeys/{key.Split('/')[^1]}")]
                : Array.Empty<Output<string>>(),
        ];
        // Whole names only: one tenant's name may begin with another's.
        return Output
            .All(numbered.Select(text => (Input<string>)text))
            .Apply(found => $"({string.Join('|', resources.Concat(found))})($|[/@:])");
    }

    Output<string> Charts(Database database, Services services, Edge edge, Metric errors) =>
        Output
            .Tuple(database.Instance.Name, edge.UrlMap.Name, errors.Name, services.Api.Name)
            .Apply(names =>
            {
                var (instance, map, metric, api) = names;
                var databaseId = $"{tenant.Platform.Project}:{instance}";
                (string Title, string Query)[] charts =
                [
                    ("Requests a second, by status", $"sum by (response_code_class) (rate({Requests(map)}[1m]))"),
                    ("Latency, 95th percentile (ms)", Latency(map)),
                    ("Errors logged", $"sum(increase({Errors(metric)}[5m]))"),
                    ("API instances", $"sum({Instances(api)})"),
                    ("Database CPU", OfDatabase("cpu/utilization", databaseId)),
                    ("Database connections", $"sum({OfDatabase("postgresql/num_backends", databaseId)})"),
                ];

                return JsonSerializer.Serialize(
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
                                        widget = new
                                        {
                                            title = chart.Title,
                                            xyChart = new
                                            {
                                                dataSets = new[]
                                                {
                                                    new
                                                    {
                                                        plotType = "LINE",
                                                        timeSeriesQuery = new { prometheusQuery = chart.Query },
                                                    },
                                                },
                                            },
                                        },
                                    }
                            ),
                        },
                    }
                );
            });
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
