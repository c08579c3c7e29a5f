using Pulumi;
using Pulumi.Gcp.Projects;
using Pulumi.Gcp.Projects.Inputs;
using Pulumi.Gcp.Sql;
using Pulumi.Gcp.Sql.Inputs;
using Pulumi.PostgreSql;
using Account = Pulumi.Gcp.ServiceAccount.Account;

namespace Infra;

/// <summary>
/// The tenant's PostgreSQL server and database. The API signs in with its service account
/// (<see href="https://cloud.google.com/sql/docs/postgres/iam-authentication">IAM database authentication</see>) and
/// has no password; the migrator has one, because it creates roles and restores schemas.
/// </summary>
public sealed class Database : ComponentResource
{
    /// <summary>
    /// Role of the migrator. Created by the API, hence a member of <c>cloudsqlsuperuser</c>: never one for the runtime.
    /// </summary>
    public const string MigratorRole = "migrator";

    /// <summary>Declares the server, its database and who may sign in.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Database(string name, DatabaseArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Database", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        // Named by Pulumi: the name of a deleted instance stays taken for a week.
        // https://cloud.google.com/sql/docs/postgres/delete-instance
        var instance = new DatabaseInstanceArgs
        {
            DatabaseVersion = args.Version,
            Region = args.Tenant.Platform.Region,
            DeletionProtection = args.Tenant.Protected,
            FinalBackupDescription = $"Last state of tenant {args.Tenant.Slug}",
            Settings = Settings(args),
        };
        if (args.Encryption is { } encryption)
            instance.EncryptionKeyName = encryption.Key.Id;

        Instance = new DatabaseInstance(
            args.Tenant.Names.Generated("db"),
            instance,
            new CustomResourceOptions
            {
                Parent = this,
                Protect = args.Tenant.Protected,
                DependsOn = args.Encryption?.Users.ToArray() ?? [],
                // The disk grows by itself; the size in the file is the size at creation.
                IgnoreChanges = { "settings.diskSize" },
            }
        );

        TenantDatabase = new Pulumi.Gcp.Sql.Database(
            "tenant",
            new Pulumi.Gcp.Sql.DatabaseArgs
            {
                Name = args.Tenant.Names.Database,
                Instance = Instance.Name,
                Charset = "UTF8",
                Collation = args.Collation,
                // Roles that own objects in it block the drop; it goes away with its instance.
                DeletionPolicy = "ABANDON",
            },
            new CustomResourceOptions
            {
                Parent = this,
                Protect = args.Tenant.Protected,
                DeletedWith = Instance,
            }
        );

        var migrator = new User(
            "migrator",
            new UserArgs
            {
                Name = MigratorRole,
                Instance = Instance.Name,
                Type = "BUILT_IN",
                Password = args.Password,
                DeletionPolicy = "ABANDON",
            },
            new CustomResourceOptions
            {
                Parent = this,
                DeletedWith = Instance,
                AdditionalSecretOutputs = { "password" },
            }
        );

        var api = new User(
            "api",
            new UserArgs
            {
                Name = ApiRole(args.Api),
                Instance = Instance.Name,
                Type = "CLOUD_IAM_SERVICE_ACCOUNT",
                DeletionPolicy = "ABANDON",
            },
            new CustomResourceOptions { Parent = this, DeletedWith = Instance }
        );

        var signIn = new IAMMember(
            "api-signs-in",
            new IAMMemberArgs
            {
                Project = args.Tenant.Platform.Project,
                Role = "roles/cloudsql.instanceUser",
                Member = args.Api.Member,
                // The role is granted on the project; the condition narrows it to this instance.
                // https://cloud.google.com/sql/docs/postgres/iam-conditions
                Condition = new IAMMemberConditionArgs
                {
                    Title = "only-this-instance",
                    Expression = Instance.Name.Apply(name =>
                        $"resource.name == 'projects/{args.Tenant.Platform.Project}/instances/{name}' "
                        + "&& resource.service == 'sqladmin.googleapis.com'"
                    ),
                },
            },
            new CustomResourceOptions { Parent = this }
        );

        // https://cloud.google.com/sql/docs/postgres/managed-connection-pooling
        ApiPort = args.ConnectionPooling ? "6432" : "5432";
        MigratorPrerequisites = [TenantDatabase, migrator];
        ApiPrerequisites = [TenantDatabase, api, signIn];
        if (args.ManageRoles)
        {
            var roles = Roles(args, migrator, api);
            ApiPrerequisites = [.. ApiPrerequisites, .. roles];
            // Default privileges reach only what is created after them.
            MigratorPrerequisites = [.. MigratorPrerequisites, .. roles];
        }

        RegisterOutputs(
            new Dictionary<string, object?> { ["instance"] = Instance.Name, ["database"] = TenantDatabase.Name }
        );
    }

    /// <summary>The server.</summary>
    public DatabaseInstance Instance { get; }

    /// <summary>Certificate of the authority that vouches for the server, as PEM.</summary>
    public Output<string> ServerCertificate => Instance.ServerCaCerts.Apply(certificates => certificates[0].Cert!);

    /// <summary>Port at which the API connects: the server's, or its connection pooler's.</summary>
    public string ApiPort { get; }

    /// <summary>The tenant's database on it.</summary>
    public Pulumi.Gcp.Sql.Database TenantDatabase { get; }

    /// <summary>What must exist before the migration job can run.</summary>
    public IReadOnlyList<Resource> MigratorPrerequisites { get; }

    /// <summary>What must exist before the API can sign in.</summary>
    public IReadOnlyList<Resource> ApiPrerequisites { get; }

    /// <summary>
    /// The account's name in PostgreSQL: its address without the domain, which would not fit an identifier.
    /// </summary>
    public static Output<string> ApiRole(Account account)
    {
        ArgumentNullException.ThrowIfNull(account);
        return account.Email.Apply(email => email.Replace(".gserviceaccount.com", "", StringComparison.Ordinal));
    }

    static DatabaseInstanceSettingsArgs Settings(DatabaseArgs args)
    {
        var settings = new DatabaseInstanceSettingsArgs
        {
            // PostgreSQL 16 and later become ENTERPRISE_PLUS when it is left out, which refuses db-custom machines.
            Edition = args.Edition,
            Tier = args.MachineType,
            AvailabilityType = args.Availability,
            DiskType = "PD_SSD",
            DiskSize = args.DiskSizeGb,
            DiskAutoresize = true,
            DeletionProtectionEnabled = args.Tenant.Protected,
            RetainBackupsOnDelete = true,
            UserLabels = args.Tenant.Labels,
            IpConfiguration = new DatabaseInstanceSettingsIpConfigurationArgs
            {
                Ipv4Enabled = false,
                PrivateNetwork = args.Tenant.Platform.Network,
                AllocatedIpRange = args.Tenant.Platform.PrivateServicesRange,
                SslMode = "ENCRYPTED_ONLY",
            },
            BackupConfiguration = new DatabaseInstanceSettingsBackupConfigurationArgs
            {
                Enabled = true,
                StartTime = "01:00",
                Location = args.BackupLocation,
                PointInTimeRecoveryEnabled = true,
                TransactionLogRetentionDays = args.TransactionLogDays,
                BackupRetentionSettings = new DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs
                {
                    RetainedBackups = args.RetainedBackups,
                    RetentionUnit = "COUNT",
                },
            },
            FinalBackupConfig = new DatabaseInstanceSettingsFinalBackupConfigArgs
            {
                Enabled = true,
                RetentionDays = 30,
            },
            MaintenanceWindow = new DatabaseInstanceSettingsMaintenanceWindowArgs
            {
                Day = args.MaintenanceDay,
                Hour = args.MaintenanceHour,
                UpdateTrack = "stable",
            },
            InsightsConfig = new DatabaseInstanceSettingsInsightsConfigArgs
            {
                QueryInsightsEnabled = true,
                QueryStringLength = 1024,
                QueryPlansPerMinute = 5,
                RecordApplicationTags = true,
                // Client addresses are those of Cloud Run; they tell nothing and are personal data elsewhere.
                RecordClientAddress = false,
            },
            PasswordValidationPolicy = new DatabaseInstanceSettingsPasswordValidationPolicyArgs
            {
                EnablePasswordPolicy = true,
                MinLength = 16,
                Complexity = "COMPLEXITY_DEFAULT",
                ReuseInterval = 5,
                DisallowUsernameSubstring = true,
            },
        };

        if (args.ConnectionPooling)
            settings.ConnectionPoolConfigs.Add(
                new DatabaseInstanceSettingsConnectionPoolConfigArgs { ConnectionPoolingEnabled = true }
            );

        // https://cloud.google.com/sql/docs/postgres/flags
        settings.DatabaseFlags.Add(Flag("cloudsql.iam_authentication", "on"));
        // From the first day on: a change of it restarts the server. The defaults of slots and senders (10 each) are
        // more than the two that are used.
        // https://cloud.google.com/sql/docs/postgres/replication/configure-logical-replication
        settings.DatabaseFlags.Add(Flag("cloudsql.logical_decoding", args.LogicalDecoding ? "on" : "off"));
        settings.DatabaseFlags.Add(Flag("max_connections", $"{args.MaxConnections}"));
        if (args.StatementAudit)
        {
            // https://cloud.google.com/sql/docs/postgres/pg-audit
            settings.DatabaseFlags.Add(Flag("cloudsql.enable_pgaudit", "on"));
            settings.DatabaseFlags.Add(Flag("pgaudit.log", "ddl,role"));
        }

        return settings;
    }

    static DatabaseInstanceSettingsDatabaseFlagArgs Flag(string name, string value) =>
        new() { Name = name, Value = value };

    IReadOnlyList<Resource> Roles(DatabaseArgs args, User migrator, User api)
    {
        var postgres = new Pulumi.PostgreSql.Provider(
            "postgres",
            new Pulumi.PostgreSql.ProviderArgs
            {
                Host = Instance.PrivateIpAddress,
                Port = 5432,
                Username = MigratorRole,
                Password = args.Password,
                Database = args.Tenant.Names.Database,
                // The address is private and the runner's; no certificate of the server is at hand where Pulumi runs.
                Sslmode = "require",
                ConnectTimeout = 30,
                // Cloud SQL gives nobody PostgreSQL's SUPERUSER.
                Superuser = false,
            },
            new CustomResourceOptions { Parent = this, DependsOn = { TenantDatabase, migrator } }
        );
        var options = new CustomResourceOptions
        {
            Parent = this,
            Provider = postgres,
            DeletedWith = Instance,
        };

        var application = new Role(
            "application",
            new RoleArgs { Name = args.Tenant.Names.ApplicationRole, Login = false },
            options
        );
        return
        [
            new GrantRole(
                "api-is-application",
                new GrantRoleArgs { Role = ApiRole(args.Api), GrantRoleName = application.Name },
                CustomResourceOptions.Merge(options, new CustomResourceOptions { DependsOn = { api } })
            ),
            // No privileges for PUBLIC: PostgreSQL lets everybody connect to a new database.
            Grant("public-does-not-connect", "public", "database", schema: null),
            Grant("application-connects", application.Name, "database", schema: null, "CONNECT"),
            Grant("application-uses-schema", application.Name, "schema", "public", "USAGE"),
            DefaultPrivilege("application-writes-tables", "table", "SELECT", "INSERT", "UPDATE", "DELETE"),
            DefaultPrivilege("application-uses-sequences", "sequence", "USAGE", "SELECT"),
        ];

        Grant Grant(string name, Input<string> role, string objectType, string? schema, params string[] privileges) =>
            new(
                name,
                new GrantArgs
                {
                    Database = TenantDatabase.Name,
                    Role = role,
                    Schema = schema is null ? null : (Input<string>)schema,
                    ObjectType = objectType,
                    Privileges = privileges,
                },
                options
            );

        DefaultPrivileges DefaultPrivilege(string name, string objectType, params string[] privileges) =>
            new(
                name,
                new DefaultPrivilegesArgs
                {
                    Database = TenantDatabase.Name,
                    Role = application.Name,
                    Schema = "public",
                    // Default privileges belong to the role that creates the tables.
                    // https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
                    Owner = MigratorRole,
                    ObjectType = objectType,
                    Privileges = privileges,
                },
                options
            );
    }
}

/// <summary>What <see cref="Database"/> is made of.</summary>
public sealed record DatabaseArgs
{
    /// <summary>The tenant.</summary>
    public required Tenant Tenant { get; init; }

    /// <summary>Account with which the API signs in.</summary>
    public required Account Api { get; init; }

    /// <summary>Password of the migrator's role.</summary>
    public required Output<string> Password { get; init; }

    /// <summary>The tenant's own key; <c>null</c> where the plan has none.</summary>
    public Encryption? Encryption { get; init; }

    /// <summary>Whether the server pools the API's connections.</summary>
    public required bool ConnectionPooling { get; init; }

    /// <summary>Cloud SQL database version.</summary>
    public required string Version { get; init; }

    /// <summary>Collation of the tenant's database.</summary>
    public required string Collation { get; init; }

    /// <summary>Cloud SQL edition.</summary>
    public required string Edition { get; init; }

    /// <summary>Cloud SQL machine type.</summary>
    public required string MachineType { get; init; }

    /// <summary><c>REGIONAL</c> or <c>ZONAL</c>.</summary>
    public required string Availability { get; init; }

    /// <summary>Size of the disk at creation.</summary>
    public required int DiskSizeGb { get; init; }

    /// <summary>PostgreSQL <c>max_connections</c>.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>How many daily backups are kept.</summary>
    public required int RetainedBackups { get; init; }

    /// <summary>How far back a point-in-time recovery reaches.</summary>
    public required int TransactionLogDays { get; init; }

    /// <summary>Region or multi-region that keeps the backups.</summary>
    public required string BackupLocation { get; init; }

    /// <summary>Day of the maintenance window, 1 (Monday) to 7.</summary>
    public required int MaintenanceDay { get; init; }

    /// <summary>Hour of the maintenance window, UTC.</summary>
    public required int MaintenanceHour { get; init; }

    /// <summary>Whether pgAudit records role changes and data definition.</summary>
    public required bool StatementAudit { get; init; }

    /// <summary>Whether changes can be streamed out of the database.</summary>
    public required bool LogicalDecoding { get; init; }

    /// <summary>Whether roles and grants are managed from here.</summary>
    public required bool ManageRoles { get; init; }
}
