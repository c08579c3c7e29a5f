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

        var (tenant, tier) = (config.Tenant, config.Tier);
        var identity = new Identity("identity", new(tenant), options);
        var encryption = tier.OwnKey ? new Encryption("encryption", new(tenant), options) : null;
        var database = new Database("database", DatabaseOf(config, identity, encryption), options);
        var secrets = new Secrets(
            "secrets",
            new(tenant, identity, database, encryption, config.DatabasePassword, config.SigningKey, config.Finalized),
            options
        );
        var network = new Network("network", new(tenant, database, config.Finalized), options);
        var migration = new Migration(
            "migration",
            new(tenant, identity, database, secrets, network, config.MigratorImage),
            options
        );
        var services = new Services(
            "services",
            ServicesOf(config, identity, database, secrets, migration, network),
            options
        );
        var certificates = new Certificates("certificates", new(tenant), options);
        var edge = new Edge(
            "edge",
            new(
                tenant,
                services,
                certificates,
                tier.TlsProfile,
                tier.WafSensitivity,
                config.WafEnforced,
                config.WafExclusions,
                tier.RequestsPerMinute
            ),
            options
        );
        _ = new Dns("dns", new(tenant, edge.Address.Address, certificates.Authorizations), options);
        var monitoring = new Monitoring(
            "monitoring",
            new(
                tenant,
                identity,
                encryption,
                database,
                migration,
                services,
                edge,
                tier.MaxConnections,
                tier.LogRetentionDays
            ),
            options
        );
        _ = new Cost("cost", new(tenant, tier.MonthlyBudget, config.BudgetCurrency), options);

        ApiUrl = Output.Create($"https://{tenant.ApiHost}");
        UiUrl = Output.Create($"https://{tenant.UiHost}");
        LoadBalancerIp = edge.Address.Address;
        DatabaseInstance = database.Instance.Name;
        DatabaseName = database.TenantDatabase.Name;
        DatabaseUser = Output.Create(Database.MigratorRole);
        ConnectionName = database.Instance.ConnectionName;
        Project = Output.Create(config.Platform.Project);
        Region = Output.Create(config.Platform.Region);
        MigrationJob = migration.Job?.Name ?? Output.Create("");
        AuditBucket = Output.Create(AuditTrail.Path(tenant));
        DashboardUrl = monitoring.Dashboard.Id.Apply(id =>
            $"https://console.cloud.google.com/monitoring/dashboards/builder/{id.Split('/')[^1]}"
            + $"?project={config.Platform.Project}"
        );
        SignInKey = Output.CreateSecret(identity.Key.KeyString);
        Routing = Output
            .Tuple(database.TenantDatabase.Name, database.Instance.PrivateIpAddress)
            .Apply(address => Route(tenant, database: address.Item1, host: address.Item2));
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

    /// <summary>Name of the Cloud Run job that promotes; empty once the tenant is finalized.</summary>
    [Output("migrationJob")]
    public Output<string> MigrationJob { get; private set; }

    /// <summary>Log bucket of all that the tenant's programs log.</summary>
    [Output("auditBucket")]
    public Output<string> AuditBucket { get; private set; }

    /// <summary>The tenant's dashboard in the console.</summary>
    [Output("dashboardUrl")]
    public Output<string> DashboardUrl { get; private set; }

    /// <summary>Sign-in key of the browser; secret.</summary>
    [Output("signInKey")]
    public Output<string> SignInKey { get; private set; }

    /// <summary>The routing document, as the migrator writes it at the cutover.</summary>
    [Output("routing")]
    public Output<ImmutableDictionary<string, object>> Routing { get; private set; }

    static DatabaseArgs DatabaseOf(TenantConfig config, Identity identity, Encryption? encryption) =>
        new()
        {
            Tenant = config.Tenant,
            Api = identity.Api,
            Encryption = encryption,
            ConnectionPooling = config.ConnectionPooling,
            Password = config.DatabasePassword,
            Version = config.DatabaseVersion,
            Collation = config.DatabaseCollation,
            Edition = config.Tier.Edition,
            MachineType = config.Tier.MachineType,
            Availability = config.Availability,
            DiskSizeGb = config.Tier.DiskSizeGb,
            MaxConnections = config.Tier.MaxConnections,
            RetainedBackups = config.Tier.RetainedBackups,
            TransactionLogDays = config.Tier.TransactionLogDays,
            BackupLocation = config.BackupLocation,
            MaintenanceDay = config.MaintenanceDay,
            MaintenanceHour = config.MaintenanceHour,
            StatementAudit = config.Tier.StatementAudit,
            LogicalDecoding = config.LogicalDecoding,
            ManageRoles = config.ManageRoles,
        };

    static ServicesArgs ServicesOf(
        TenantConfig config,
        Identity identity,
        Database database,
        Secrets secrets,
        Migration migration,
        Network network
    ) =>
        new(config.Tenant, identity, database, secrets, migration, network)
        {
            ApiImage = config.ApiImage,
            UiImage = config.UiImage,
            MinInstances = config.Tier.MinInstances,
            MaxInstances = config.Tier.MaxInstances,
            Concurrency = config.Concurrency,
            Cpu = config.Cpu,
            Memory = config.Memory,
            ConnectionsPerInstance = config.ConnectionsPerInstance,
        };

    static ImmutableDictionary<string, object> Route(Tenant tenant, string database, string host) =>
        ImmutableDictionary.CreateRange(
            new Dictionary<string, object>
            {
                ["tenant_slug"] = tenant.Slug.Text,
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
                    new Dictionary<string, object> { ["api"] = tenant.ApiHost, ["ui"] = tenant.UiHost }
                ),
            }
        );
}
