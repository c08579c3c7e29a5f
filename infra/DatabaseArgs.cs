using Pulumi;
using Account = Pulumi.Gcp.ServiceAccount.Account;

namespace Infra;

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
