using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Pulumi;

namespace Infra;

/// <summary>One promoted tenant: <c>pulumi up --stack acme-corp</c>. The stack's name is the tenant's slug.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "A stack in Pulumi's sense.")]
public class TenantStack : Stack
{
    /// <summary>Declares the tenant's infrastructure.</summary>
    public TenantStack()
        : this(null) { }

    /// <summary>Declares the tenant's infrastructure under the given options.</summary>
    protected TenantStack(StackOptions? stackOptions)
        : base(stackOptions)
    {
        var config = TenantConfig.Load();
        // Explicit, so that project and region come from the checked settings and not from whoever's shell runs this.
        var google = new Pulumi.Gcp.Provider(
            "gcp",
            new Pulumi.Gcp.ProviderArgs
            {
                Project = config.Platform.Project,
                Region = config.Platform.Region,
                // Budgets, API keys and Identity Platform refuse a person's own credentials that name no project to
                // count the calls on.
                UserProjectOverride = true,
                BillingProject = config.Platform.Project,
            }
        );
        var options = new ComponentResourceOptions { Providers = { google } };

        var identity = new Identity(config, options);
        var database = new Database(config, identity, options);
        var secrets = new Secrets(config, identity, options);
        var migration = new Migration(config, identity, database, secrets, options);
        var services = new Services(config, identity, database, secrets, migration, options);
        var certificates = new Certificates(config, options);
        var edge = new Edge(config, services, certificates, options);
        _ = new Dns(config, edge, certificates, options);
        var monitoring = new Monitoring(config, database, migration, services, edge, options);
        _ = new Cost(config, options);

        ApiUrl = Output.Create($"https://{config.ApiHost}");
        UiUrl = Output.Create($"https://{config.UiHost}");
        LoadBalancerIp = edge.Address.Address;
        DatabaseInstance = database.Instance.Name;
        DatabaseName = database.TenantDatabase.Name;
        DatabaseUser = Output.Create(Database.MigratorRole);
        ConnectionName = database.Instance.ConnectionName;
        Project = Output.Create(config.Platform.Project);
        Region = Output.Create(config.Platform.Region);
        MigrationJob = migration.Job.Name;
        DashboardUrl = monitoring.Dashboard.Id.Apply(id =>
            $"https://console.cloud.google.com/monitoring/dashboards/builder/{id.Split('/')[^1]}"
            + $"?project={config.Platform.Project}"
        );
        SignInKey = Output.CreateSecret(identity.Key.KeyString);
        Routing = Output
            .Tuple(database.TenantDatabase.Name, database.Instance.PrivateIpAddress)
            .Apply(address => Route(config, database: address.Item1, host: address.Item2));
    }

    /// <summary>Address of the tenant's API.</summary>
    [Output("apiUrl")]
    public Output<string> ApiUrl { get; private set; }

    /// <summary>Address of the tenant's user interface.</summary>
    [Output("uiUrl")]
    public Output<string> UiUrl { get; private set; }

    /// <summary>Address that both names point at.</summary>
    [Output("loadBalancerIp")]
    public Output<string> LoadBalancerIp { get; private set; }

    /// <summary>Name of the Cloud SQL instance.</summary>
    [Output("databaseInstance")]
    public Output<string> DatabaseInstance { get; private set; }

    /// <summary>Name of the tenant's database.</summary>
    [Output("databaseName")]
    public Output<string> DatabaseName { get; private set; }

    /// <summary>The migrator's role on the dedicated server.</summary>
    [Output("databaseUser")]
    public Output<string> DatabaseUser { get; private set; }

    /// <summary>Connection name for the Cloud SQL Auth Proxy.</summary>
    [Output("connectionName")]
    public Output<string> ConnectionName { get; private set; }

    /// <summary>Project that holds the tenant.</summary>
    [Output("project")]
    public Output<string> Project { get; private set; }

    /// <summary>Region of the tenant's job and services.</summary>
    [Output("region")]
    public Output<string> Region { get; private set; }

    /// <summary>Name of the Cloud Run job that promotes.</summary>
    [Output("migrationJob")]
    public Output<string> MigrationJob { get; private set; }

    /// <summary>The tenant's dashboard in the console.</summary>
    [Output("dashboardUrl")]
    public Output<string> DashboardUrl { get; private set; }

    /// <summary>Sign-in key of the browser; secret.</summary>
    [Output("signInKey")]
    public Output<string> SignInKey { get; private set; }

    /// <summary>The routing document, as the migrator writes it at the cutover.</summary>
    [Output("routing")]
    public Output<ImmutableDictionary<string, object>> Routing { get; private set; }

    static ImmutableDictionary<string, object> Route(TenantConfig config, string database, string host) =>
        ImmutableDictionary.CreateRange(
            new Dictionary<string, object>
            {
                ["tenant_slug"] = config.Slug.Text,
                ["isolation_mode"] = "isolated",
                ["database"] = ImmutableDictionary.CreateRange(
                    new Dictionary<string, object>
                    {
                        ["name"] = database,
                        ["host"] = host,
                        ["port"] = 5432,
                    }
                ),
                ["endpoints"] = ImmutableDictionary.CreateRange(
                    new Dictionary<string, object> { ["api"] = config.ApiHost, ["ui"] = config.UiHost }
                ),
            }
        );
}
