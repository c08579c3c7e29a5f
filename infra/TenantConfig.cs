using Pulumi;

namespace Infra;

/// <summary>
/// The settings of one tenant, read once and checked as a whole before anything is declared; every other part trusts
/// them.
/// </summary>
public sealed partial record TenantConfig
{
    // Connections that stay free of the application: the migrator's, Cloud SQL's own and a person's.
    const int ReservedConnections = 30;

    // MiB that Cloud Run takes with so many CPUs in the second-generation environment.
    // https://cloud.google.com/run/docs/configuring/services/memory-limits
    static readonly SortedDictionary<int, (int Min, int Max)> MemoryOfCpus = new()
    {
        [1] = (512, 4096),
        [2] = (512, 8192),
        [4] = (2048, 16384),
        [6] = (4096, 24576),
        [8] = (4096, 32768),
    };

    /// <summary>Physical names.</summary>
    public required Names Names { get; init; }

    /// <summary>The plan, with the overrides of the stack's file applied.</summary>
    public required Tier Tier { get; init; }

    /// <summary>What is shared with others.</summary>
    public required Platform Platform { get; init; }

    /// <summary>Image of the API, by digest.</summary>
    public required string ApiImage { get; init; }

    /// <summary>Image of the user interface, by digest.</summary>
    public required string UiImage { get; init; }

    /// <summary>Image of the migrator, by digest.</summary>
    public required string MigratorImage { get; init; }

    /// <summary>Cloud SQL database version; at least the shared server's.</summary>
    public required string DatabaseVersion { get; init; }

    /// <summary>
    /// Collation of the tenant's database. Text would sort, and unique keys would compare, otherwise than before.
    /// </summary>
    public required string DatabaseCollation { get; init; }

    /// <summary><c>REGIONAL</c> (a standby in a second zone) or <c>ZONAL</c>.</summary>
    public required string Availability { get; init; }

    /// <summary>Region or multi-region that keeps the backups.</summary>
    public required string BackupLocation { get; init; }

    /// <summary>
    /// Whether changes can be streamed out of the database: a rollback then costs a moment and not a comparison of all
    /// rows.
    /// </summary>
    public required bool LogicalDecoding { get; init; }

    /// <summary>Whether the server pools the API's connections; takes ENTERPRISE_PLUS.</summary>
    public required bool ConnectionPooling { get; init; }

    /// <summary>Whether WAF rules refuse requests, or only say in the log that they would.</summary>
    public required bool WafEnforced { get; init; }

    /// <summary>Ids of signatures that the WAF leaves out.</summary>
    public required IReadOnlyList<string> WafExclusions { get; init; }

    /// <summary>
    /// Whether the tenant's rows are gone from the shared database: the migration job and every access to the shared
    /// database go away with that.
    /// </summary>
    public required bool Finalized { get; init; }

    /// <summary>Day of the maintenance window, 1 (Monday) to 7.</summary>
    public required int MaintenanceDay { get; init; }

    /// <summary>Hour of the maintenance window, UTC.</summary>
    public required int MaintenanceHour { get; init; }

    /// <summary>Whether roles and grants are managed from here, which takes a route to the private address.</summary>
    public required bool ManageRoles { get; init; }

    /// <summary>Database connections that one API instance may open.</summary>
    public required int ConnectionsPerInstance { get; init; }

    /// <summary>Requests that one instance serves at a time.</summary>
    public required int Concurrency { get; init; }

    /// <summary>CPUs of one instance.</summary>
    public required int Cpu { get; init; }

    /// <summary>Memory of one instance, such as <c>512Mi</c>.</summary>
    public required string Memory { get; init; }

    /// <summary>Currency of the budget; the billing account's.</summary>
    public required string BudgetCurrency { get; init; }

    /// <summary>Password of the migrator's role on the dedicated server.</summary>
    public required Output<string> DatabasePassword { get; init; }

    /// <summary>Key with which the tenant's API signs its tokens.</summary>
    public required Output<string> SigningKey { get; init; }

    /// <summary>
    /// First of the two steps that end a tenant: lifts every protection and changes nothing else, so that <c>pulumi
    /// destroy</c> succeeds.
    /// </summary>
    public required bool Decommission { get; init; }

    /// <summary>What every part of the stack is told.</summary>
    public Tenant Tenant => new(Names, Platform, Tier.Name, Protected: !Decommission);

    /// <summary>Reads the settings of the running stack.</summary>
    /// <exception cref="ConfigFaultException">Something is missing or wrong; the message lists all of it.</exception>
    public static TenantConfig Load()
    {
        var stack = Deployment.Instance.StackName;
        // Before the platform stack is even read: everything else is named after the slug.
        if (!Slug.TryParse(stack, out var slug))
            throw new ConfigFaultException(
                stack,
                [$"the stack's name is the tenant's slug: {Slug.Rule}. Create the stack under the tenant's slug."]
            );

        var config = new Config();
        var reader = new ConfigReader(stack, config, PlatformStack(config));
        var tier = ReadTier(reader);
        var platform = Platform.Read(reader);
        var settings = new TenantConfig
        {
            Names = new Names(slug),
            Tier = tier,
            Platform = platform,
            ApiImage = Image(reader, "apiImage", platform),
            UiImage = Image(reader, "uiImage", platform),
            MigratorImage = Image(reader, "migratorImage", platform),
            DatabaseVersion = reader.Choice(
                "databaseVersion",
                "POSTGRES_18",
                "POSTGRES_14",
                "POSTGRES_15",
                "POSTGRES_16",
                "POSTGRES_17",
                "POSTGRES_18"
            ),
            DatabaseCollation = reader.Text(
                "databaseCollation",
                "[A-Za-z0-9_.@-]+",
                "a collation such as en_US.UTF8",
                fallback: "en_US.UTF8"
            ),
            Availability = reader.Choice("availability", "REGIONAL", "REGIONAL", "ZONAL"),
            BackupLocation = reader.Text(
                "backupLocation",
                "eu|us|asia|[a-z]+-[a-z]+[0-9]+",
                "eu, us, asia or a region",
                fallback: MultiRegion(platform.Region)
            ),
            ConnectionPooling = reader.Flag("connectionPooling", false),
            WafEnforced = reader.Choice("wafMode", "preview", "preview", "enforce") == "enforce",
            WafExclusions = reader.List(
                "wafExclusions",
                "owasp-crs-v[0-9]{6}-id[0-9]{6}-[a-z]+",
                "signature ids such as owasp-crs-v030301-id942110-sqli"
            ),
            Finalized = reader.Flag("finalized", false),
            LogicalDecoding = reader.Flag("logicalDecoding", true),
            MaintenanceDay = reader.Integer("maintenanceDay", 7, 1, 7),
            MaintenanceHour = reader.Integer("maintenanceHour", 3, 0, 23),
            ManageRoles = reader.Flag("manageRoles", false),
            ConnectionsPerInstance = reader.Integer("connectionsPerInstance", 20, 1, 200),
            Concurrency = reader.Integer("concurrency", 80, 1, 1000),
            Cpu = int.TryParse(reader.Choice("cpu", "1", [.. MemoryOfCpus.Keys.Select(cpus => $"{cpus}")]), out var cpu)
                ? cpu
                : 1,
            Memory = reader.Text("memory", "[0-9]{1,6}(Mi|Gi)", "an amount such as 512Mi or 1Gi", fallback: "512Mi"),
            BudgetCurrency = reader.Text("budgetCurrency", "[A-Z]{3}", "an ISO 4217 code such as EUR", fallback: "USD"),
            DatabasePassword = reader.Secret("databasePassword", 16, ObjectionToPassword),
            SigningKey = reader.Secret("signingKey", 32),
            Decommission = reader.Flag("decommission", false),
        };
        CheckCapacity(reader, settings);
        CheckPlan(reader, settings);
        CheckMemory(reader, settings);
        reader.ThrowIfFaulty();
        return settings;
    }

    static Func<string, object?> PlatformStack(Config config)
    {
        if (config.Get("platformStack") is not { Length: > 0 } name)
            return _ => null;

        var reference = new StackReference("platform", new StackReferenceArgs { Name = name });
        // Waits, once, before anything is declared: names and hosts are plain text from here on, and a wrong output of
        // the platform stack is a fault like any other.
        return key =>
        {
            StackReferenceOutputDetails details;
            try
            {
                details = reference.GetOutputDetailsAsync(key).GetAwaiter().GetResult();
            }
            catch (Exception e)
            {
                // Whatever the engine says of it: there is no such stack, or it is not readable from here.
                throw new ConfigFaultException(
                    Deployment.Instance.StackName,
                    [
                        $"tenant:platformStack is '{name}', which cannot be read: {e.Message.Split('\n')[0]}. "
                            + "Run 'pulumi stack ls --all', or 'pulumi up' for the platform first.",
                    ]
                );
            }

            return details.Value ?? (details.SecretValue is null ? null : ConfigReader.SecretOutput);
        };
    }

    static Tier ReadTier(ConfigReader reader)
    {
        var preset = Tier.All.GetValueOrDefault(
            reader.Choice("tier", "standard", [.. Tier.All.Keys]),
            Tier.All["standard"]
        );
        var edition = reader.Choice("edition", preset.Edition, "ENTERPRISE", "ENTERPRISE_PLUS");
        var machineType = reader.Text("machineType", ".+", "a Cloud SQL machine type", fallback: preset.MachineType);
        if (!IsLegal(edition, machineType))
            reader.Fault(
                "machineType",
                $"is '{machineType}', which edition {edition} does not offer",
                "ENTERPRISE takes db-custom-CPUS-MB (1 or an even number of CPUs, 3.75 GB or more in steps of 256 MB, "
                    + "0.9 to 6.5 GB a CPU), "
                    + "ENTERPRISE_PLUS takes db-perf-optimized-N-CPUS"
            );

        return preset with
        {
            Edition = edition,
            MachineType = machineType,
            DiskSizeGb = reader.Integer("diskSizeGb", preset.DiskSizeGb, 10, 65536),
            MaxConnections = reader.Integer("maxConnections", preset.MaxConnections, 50, 10000),
            RetainedBackups = reader.Integer("retainedBackups", preset.RetainedBackups, 7, 365),
            TransactionLogDays = reader.Integer(
                "transactionLogDays",
                preset.TransactionLogDays,
                1,
                edition == "ENTERPRISE_PLUS" ? 35 : 7
            ),
            LogRetentionDays = reader.Integer("logRetentionDays", preset.LogRetentionDays, 30, 3650),
            WafSensitivity = reader.Integer("wafSensitivity", preset.WafSensitivity, 1, 4),
            RequestsPerMinute = reader.Integer("requestsPerMinute", preset.RequestsPerMinute, 10, 10000),
            MinInstances = reader.Integer("minInstances", preset.MinInstances, 0, 100),
            MaxInstances = reader.Integer("maxInstances", preset.MaxInstances, 1, 100),
            MonthlyBudget = reader.Integer("monthlyBudget", preset.MonthlyBudget, 1, 1_000_000),
        };
    }

    static string Image(ConfigReader reader, string key, Platform platform)
    {
        var image = reader.Text(
            key,
            "[^@]+@sha256:[0-9a-f]{64}",
            $"an image by digest, such as {platform.ArtifactRegistry}/{key[..^5]}@sha256:…"
        );
        if (
            image.Contains('@')
            && platform.ArtifactRegistry != ""
            && !image.StartsWith($"{platform.ArtifactRegistry}/", StringComparison.Ordinal)
        )
            reader.Fault(
                key,
                $"is '{image}', which does not come from {platform.ArtifactRegistry}",
                "Push it there, or change artifactRegistry"
            );

        return image;
    }
}
