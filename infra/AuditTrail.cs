using Pulumi;
using Pulumi.Gcp.Logging;
using Pulumi.Gcp.Logging.Inputs;
using Pulumi.Gcp.Projects;
using Pulumi.Gcp.Projects.Inputs;
using Account = Pulumi.Gcp.ServiceAccount.Account;

namespace Infra;

/// <summary>
/// A log bucket of the tenant's own and the sink that fills it: what its programs and its load balancer log, and
/// what <see href="https://cloud.google.com/logging/docs/audit">Cloud Audit Logs</see> record about its resources, its
/// users, its names and its rights. The platform keeps all of it out of the project's shared bucket.
/// </summary>
/// <param name="args">What is watched.</param>
/// <param name="parent">The part that declares it.</param>
sealed class AuditTrail(MonitoringArgs args, Monitoring parent)
{
    readonly Tenant tenant = args.Tenant;

    internal void Declare()
    {
        var sink = Sink(Bucket());

        // Within one project a sink may write without being told so, and has no writer to tell.
        // https://cloud.google.com/logging/docs/export/configure_export_v2#dest-auth
        if (tenant.Platform.AuditProject != tenant.Platform.Project)
            _ = new IAMMember(
                "audit-writer",
                new IAMMemberArgs
                {
                    Project = tenant.Platform.AuditProject,
                    Role = "roles/logging.bucketWriter",
                    Member = sink.WriterIdentity,
                    Condition = new IAMMemberConditionArgs
                    {
                        Title = "only-this-bucket",
                        Expression =
                            $"resource.name.endsWith('locations/{tenant.Platform.Region}/buckets/"
                            + $"{tenant.Names.Logging("audit")}')",
                    },
                },
                new CustomResourceOptions { Parent = parent }
            );
    }

    ProjectBucketConfig Bucket()
    {
        // Not locked: a locked bucket outlives 'pulumi destroy' by its retention. Protected instead.
        var settings = new ProjectBucketConfigArgs
        {
            Project = tenant.Platform.AuditProject,
            Location = tenant.Platform.Region,
            BucketId = tenant.Names.Logging("audit"),
            RetentionDays = args.LogRetentionDays,
            EnableAnalytics = true,
            Description = $"Audit trail of tenant {tenant.Slug}",
        };
        if (args.Encryption is { } encryption)
            settings.CmekSettings = new ProjectBucketConfigCmekSettingsArgs { KmsKeyName = encryption.Key.Id };

        return new ProjectBucketConfig(
            "audit",
            settings,
            new CustomResourceOptions
            {
                Parent = parent,
                Protect = tenant.Protected,
                DependsOn = args.Encryption?.Users.ToArray() ?? [],
            }
        );
    }

    /// <summary>The bucket, as <c>projects/P/locations/R/buckets/B</c>.</summary>
    internal static string Path(Tenant tenant) =>
        $"projects/{tenant.Platform.AuditProject}/locations/{tenant.Platform.Region}/buckets/"
        + tenant.Names.Logging("audit");

    ProjectSink Sink(ProjectBucketConfig bucket)
    {
        return new ProjectSink(
            "audit",
            new ProjectSinkArgs
            {
                Name = tenant.Names.Logging("audit"),
                Destination = $"logging.googleapis.com/{Path(tenant)}",
                UniqueWriterIdentity = true,
                Filter = Filter(),
            },
            new CustomResourceOptions { Parent = parent, DependsOn = { bucket } }
        );
    }

    Output<string> Filter()
    {
        var (services, platform) = (args.Services, tenant.Platform);
        var (instance, map, users) = (args.Database.Instance.Name, args.Edge.UrlMap.Name, args.Identity.Users.Name);
        var audited = Output.Format(
            $"""
            (protoPayload.resourceName=~"{Resources()}"
            OR (protoPayload.serviceName="dns.googleapis.com" AND ("{tenant.ApiHost}." OR "{tenant.UiHost}."))
            OR (protoPayload.methodName="SetIamPolicy" AND ({Members()})))
            """
        );
        return Output.Format(
            $"""
            resource.labels.service_name=("{services.Api.Name}" OR "{services.Ui.Name}")
            OR resource.labels.job_name="{tenant.Names.Run("migrator")}"
            OR resource.labels.database_id="{platform.Project}:{instance}"
            OR resource.labels.url_map_name="{map}"
            OR resource.labels.tenant_name="{users}"
            OR (log_id("cloudaudit.googleapis.com/activity") AND {audited})
            OR (log_id("cloudaudit.googleapis.com/data_access") AND {audited})
            """
        );
    }

    Account[] Accounts() => [args.Identity.Api, args.Identity.Ui, args.Identity.Migrator];

    // Whose rights a change of the project's policy gives or takes.
    Output<string> Members() =>
        Output
            .All(Accounts().Select(account => (Input<string>)account.Email))
            .Apply(emails => string.Join(" OR ", emails.Select(email => $"\"{email}\"")));

    static string[] Named(Names names) =>
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

    Output<string> Resources()
    {
        var identity = args.Identity;
        // What Google names: an account goes by its number too.
        Output<string>[] numbered =
        [
            Output.Format($"tenants/{identity.Users.Name}"),
            Output.Format($"keys/{identity.Key.Uid}"),
            .. Accounts().Select(account => Output.Format($"serviceAccounts/{account.UniqueId}")),
            .. args.Encryption is { } encryption
                ? [encryption.Key.Name.Apply(key => $"cryptoKeys/{key.Split('/')[^1]}")]
                : Array.Empty<Output<string>>(),
        ];
        // Whole names only: one tenant's name may begin with another's.
        return Output
            .All(numbered.Select(text => (Input<string>)text))
            .Apply(found => $"({string.Join('|', Named(tenant.Names).Concat(found))})($|[/@:])");
    }
}
