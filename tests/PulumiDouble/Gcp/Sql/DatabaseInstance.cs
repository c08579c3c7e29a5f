using System.Collections.Immutable;

namespace Pulumi.Gcp.Sql
{
    public class DatabaseInstance(string name, DatabaseInstanceArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:sql/databaseInstance:DatabaseInstance", name, args, options)
    {
        [Output("serverCaCerts")]
        public Output<ImmutableArray<Outputs.DatabaseInstanceServerCaCert>> ServerCaCerts { get; private set; } = null!;

        [Output("connectionName")]
        public Output<string> ConnectionName { get; private set; } = null!;

        [Output("name")]
        public Output<string> Name { get; private set; } = null!;

        [Output("privateIpAddress")]
        public Output<string> PrivateIpAddress { get; private set; } = null!;
    }

    public sealed class DatabaseInstanceArgs : ResourceArgs
    {
        [Input("encryptionKeyName")]
        public Input<string>? EncryptionKeyName { get; set; }

        [Input("databaseVersion", required: true)]
        public Input<string> DatabaseVersion { get; set; } = null!;

        [Input("deletionProtection")]
        public Input<bool>? DeletionProtection { get; set; }

        [Input("finalBackupDescription")]
        public Input<string>? FinalBackupDescription { get; set; }

        [Input("region")]
        public Input<string>? Region { get; set; }

        [Input("settings")]
        public Input<Inputs.DatabaseInstanceSettingsArgs>? Settings { get; set; }
    }
}

namespace Pulumi.Gcp.Sql.Inputs
{
    public sealed class DatabaseInstanceSettingsArgs : ResourceArgs
    {
        [field: Input("connectionPoolConfigs")]
        public InputList<DatabaseInstanceSettingsConnectionPoolConfigArgs> ConnectionPoolConfigs
        {
            get => field ??= new();
            set;
        }

        [Input("availabilityType")]
        public Input<string>? AvailabilityType { get; set; }

        [Input("backupConfiguration")]
        public Input<DatabaseInstanceSettingsBackupConfigurationArgs>? BackupConfiguration { get; set; }

        [field: Input("databaseFlags")]
        public InputList<DatabaseInstanceSettingsDatabaseFlagArgs> DatabaseFlags
        {
            get => field ??= new();
            set;
        }

        [Input("deletionProtectionEnabled")]
        public Input<bool>? DeletionProtectionEnabled { get; set; }

        [Input("diskAutoresize")]
        public Input<bool>? DiskAutoresize { get; set; }

        [Input("diskSize")]
        public Input<int>? DiskSize { get; set; }

        [Input("diskType")]
        public Input<string>? DiskType { get; set; }

        [Input("edition")]
        public Input<string>? Edition { get; set; }

        [Input("finalBackupConfig")]
        public Input<DatabaseInstanceSettingsFinalBackupConfigArgs>? FinalBackupConfig { get; set; }

        [Input("insightsConfig")]
        public Input<DatabaseInstanceSettingsInsightsConfigArgs>? InsightsConfig { get; set; }

        [Input("ipConfiguration")]
        public Input<DatabaseInstanceSettingsIpConfigurationArgs>? IpConfiguration { get; set; }

        [Input("maintenanceWindow")]
        public Input<DatabaseInstanceSettingsMaintenanceWindowArgs>? MaintenanceWindow { get; set; }

        [Input("passwordValidationPolicy")]
        public Input<DatabaseInstanceSettingsPasswordValidationPolicyArgs>? PasswordValidationPolicy { get; set; }

        [Input("retainBackupsOnDelete")]
        public Input<bool>? RetainBackupsOnDelete { get; set; }

        [Input("tier", required: true)]
        public Input<string> Tier { get; set; } = null!;

        [field: Input("userLabels")]
        public InputMap<string> UserLabels
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class DatabaseInstanceSettingsBackupConfigurationArgs : ResourceArgs
    {
        [Input("backupRetentionSettings")]
        public Input<DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs>? BackupRetentionSettings { get; set; }

        [Input("enabled")]
        public Input<bool>? Enabled { get; set; }

        [Input("location")]
        public Input<string>? Location { get; set; }

        [Input("pointInTimeRecoveryEnabled")]
        public Input<bool>? PointInTimeRecoveryEnabled { get; set; }

        [Input("startTime")]
        public Input<string>? StartTime { get; set; }

        [Input("transactionLogRetentionDays")]
        public Input<int>? TransactionLogRetentionDays { get; set; }
    }

    public sealed class DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs : ResourceArgs
    {
        [Input("retainedBackups", required: true)]
        public Input<int> RetainedBackups { get; set; } = null!;

        [Input("retentionUnit")]
        public Input<string>? RetentionUnit { get; set; }
    }

    public sealed class DatabaseInstanceSettingsDatabaseFlagArgs : ResourceArgs
    {
        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;

        [Input("value", required: true)]
        public Input<string> Value { get; set; } = null!;
    }

    public sealed class DatabaseInstanceSettingsFinalBackupConfigArgs : ResourceArgs
    {
        [Input("enabled")]
        public Input<bool>? Enabled { get; set; }

        [Input("retentionDays")]
        public Input<int>? RetentionDays { get; set; }
    }

    public sealed class DatabaseInstanceSettingsInsightsConfigArgs : ResourceArgs
    {
        [Input("queryInsightsEnabled")]
        public Input<bool>? QueryInsightsEnabled { get; set; }

        [Input("queryPlansPerMinute")]
        public Input<int>? QueryPlansPerMinute { get; set; }

        [Input("queryStringLength")]
        public Input<int>? QueryStringLength { get; set; }

        [Input("recordApplicationTags")]
        public Input<bool>? RecordApplicationTags { get; set; }

        [Input("recordClientAddress")]
        public Input<bool>? RecordClientAddress { get; set; }
    }

    public sealed class DatabaseInstanceSettingsIpConfigurationArgs : ResourceArgs
    {
        [Input("allocatedIpRange")]
        public Input<string>? AllocatedIpRange { get; set; }

        [Input("ipv4Enabled")]
        public Input<bool>? Ipv4Enabled { get; set; }

        [Input("privateNetwork")]
        public Input<string>? PrivateNetwork { get; set; }

        [Input("sslMode")]
        public Input<string>? SslMode { get; set; }
    }

    public sealed class DatabaseInstanceSettingsMaintenanceWindowArgs : ResourceArgs
    {
        [Input("day")]
        public Input<int>? Day { get; set; }

        [Input("hour")]
        public Input<int>? Hour { get; set; }

        [Input("updateTrack")]
        public Input<string>? UpdateTrack { get; set; }
    }

    public sealed class DatabaseInstanceSettingsPasswordValidationPolicyArgs : ResourceArgs
    {
        [Input("complexity")]
        public Input<string>? Complexity { get; set; }

        [Input("disallowUsernameSubstring")]
        public Input<bool>? DisallowUsernameSubstring { get; set; }

        [Input("enablePasswordPolicy", required: true)]
        public Input<bool> EnablePasswordPolicy { get; set; } = null!;

        [Input("minLength")]
        public Input<int>? MinLength { get; set; }

        [Input("reuseInterval")]
        public Input<int>? ReuseInterval { get; set; }
    }

    public sealed class DatabaseInstanceSettingsConnectionPoolConfigArgs : ResourceArgs
    {
        [Input("connectionPoolingEnabled")]
        public Input<bool>? ConnectionPoolingEnabled { get; set; }
    }
}

namespace Pulumi.Gcp.Sql.Outputs
{
    [OutputType]
    public sealed class DatabaseInstanceServerCaCert
    {
        public readonly string? Cert;

        [OutputConstructor]
        DatabaseInstanceServerCaCert(string? cert) => Cert = cert;
    }
}
