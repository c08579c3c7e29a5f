using Pulumi.Gcp.Sql.Inputs;

namespace Infra;

/// <summary>How the tenant's Cloud SQL instance is set.</summary>
static class ServerSettings
{
    internal static DatabaseInstanceSettingsArgs Of(DatabaseArgs args)
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
            IpConfiguration = Addresses(args),
            BackupConfiguration = Backups(args),
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
            InsightsConfig = Insights(),
            PasswordValidationPolicy = Passwords(),
        };

        if (args.ConnectionPooling)
            settings.ConnectionPoolConfigs.Add(
                new DatabaseInstanceSettingsConnectionPoolConfigArgs { ConnectionPoolingEnabled = true }
            );

        AddFlags(args, settings);
        return settings;
    }

    static DatabaseInstanceSettingsIpConfigurationArgs Addresses(DatabaseArgs args) =>
        new()
        {
            Ipv4Enabled = false,
            PrivateNetwork = args.Tenant.Platform.Network,
            AllocatedIpRange = args.Tenant.Platform.PrivateServicesRange,
            SslMode = "ENCRYPTED_ONLY",
        };

    static DatabaseInstanceSettingsBackupConfigurationArgs Backups(DatabaseArgs args) =>
        new()
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
        };

    static DatabaseInstanceSettingsInsightsConfigArgs Insights() =>
        new()
        {
            QueryInsightsEnabled = true,
            QueryStringLength = 1024,
            QueryPlansPerMinute = 5,
            RecordApplicationTags = true,
            // Client addresses are those of Cloud Run; they tell nothing and are personal data elsewhere.
            RecordClientAddress = false,
        };

    static DatabaseInstanceSettingsPasswordValidationPolicyArgs Passwords() =>
        new()
        {
            EnablePasswordPolicy = true,
            MinLength = 16,
            Complexity = "COMPLEXITY_DEFAULT",
            ReuseInterval = 5,
            DisallowUsernameSubstring = true,
        };

    static void AddFlags(DatabaseArgs args, DatabaseInstanceSettingsArgs settings)
    {
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
    }

    static DatabaseInstanceSettingsDatabaseFlagArgs Flag(string name, string value) =>
        new() { Name = name, Value = value };
}
