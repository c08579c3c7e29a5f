namespace Infra;

/// <summary>
/// What a plan buys. Each value is a default: the key of the same name in the stack's file overrides it. A primary and
/// a standby in two zones come with every plan; <c>availability: ZONAL</c> is for scratch tenants.
/// </summary>
/// <param name="Name">As written in the stack's file.</param>
/// <param name="Edition">Cloud SQL
/// <see href="https://cloud.google.com/sql/docs/postgres/editions-intro">edition</see>.</param>
/// <param name="MachineType">Cloud SQL
/// <see href="https://cloud.google.com/sql/docs/postgres/machine-series-overview">machine type</see>.</param>
/// <param name="DiskSizeGb">Size at creation; the disk grows by itself.</param>
/// <param name="MaxConnections">PostgreSQL <c>max_connections</c>.</param>
/// <param name="RetainedBackups">How many daily backups are kept.</param>
/// <param name="TransactionLogDays">How far back a point-in-time recovery reaches.</param>
/// <param name="LogRetentionDays">How long the tenant's audit trail is kept.</param>
/// <param name="WafSensitivity">OWASP paranoia level of the
/// <see href="https://cloud.google.com/armor/docs/waf-rules">preconfigured rules</see>, 1 to 4.</param>
/// <param name="RequestsPerMinute">Requests a minute that one client address may send.</param>
/// <param name="MinInstances">Instances of each service that are always warm.</param>
/// <param name="MaxInstances">Instances of each service at most.</param>
/// <param name="MonthlyBudget">Budget a month, in units of the billing currency.</param>
/// <param name="TlsProfile"><see href="https://cloud.google.com/load-balancing/docs/ssl-policies-concepts">SSL policy
/// profile</see>.</param>
/// <param name="StatementAudit">Whether pgAudit records role changes and data definition.</param>
/// <param name="OwnKey">Whether the tenant's data is encrypted with a key of its own.</param>
public sealed record Tier(
    string Name,
    string Edition,
    string MachineType,
    int DiskSizeGb,
    int MaxConnections,
    int RetainedBackups,
    int TransactionLogDays,
    int LogRetentionDays,
    int WafSensitivity,
    int RequestsPerMinute,
    int MinInstances,
    int MaxInstances,
    int MonthlyBudget,
    string TlsProfile,
    bool StatementAudit,
    bool OwnKey
)
{
    /// <summary>The plans, by name.</summary>
    public static readonly IReadOnlyDictionary<string, Tier> All = new Tier[]
    {
        new(
            "standard",
            "ENTERPRISE",
            "db-custom-2-7680",
            DiskSizeGb: 20,
            MaxConnections: 200,
            RetainedBackups: 14,
            TransactionLogDays: 7,
            LogRetentionDays: 90,
            WafSensitivity: 1,
            RequestsPerMinute: 600,
            MinInstances: 0,
            MaxInstances: 5,
            MonthlyBudget: 500,
            TlsProfile: "MODERN",
            StatementAudit: false,
            OwnKey: false
        ),
        new(
            "premium",
            "ENTERPRISE",
            "db-custom-4-16384",
            DiskSizeGb: 100,
            MaxConnections: 400,
            RetainedBackups: 30,
            TransactionLogDays: 7,
            LogRetentionDays: 180,
            WafSensitivity: 1,
            RequestsPerMinute: 1200,
            MinInstances: 1,
            MaxInstances: 10,
            MonthlyBudget: 1200,
            TlsProfile: "MODERN",
            StatementAudit: false,
            OwnKey: false
        ),
        new(
            "regulated",
            "ENTERPRISE_PLUS",
            "db-perf-optimized-N-4",
            DiskSizeGb: 100,
            MaxConnections: 400,
            RetainedBackups: 90,
            TransactionLogDays: 35,
            LogRetentionDays: 400,
            WafSensitivity: 2,
            RequestsPerMinute: 1200,
            MinInstances: 2,
            MaxInstances: 10,
            MonthlyBudget: 2500,
            TlsProfile: "RESTRICTED",
            StatementAudit: true,
            OwnKey: true
        ),
    }.ToDictionary(tier => tier.Name);
}
