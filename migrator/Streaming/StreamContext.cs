using Migrator.Connections;
using Migrator.Governing;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>What the two streams of one promotion work with.</summary>
/// <param name="Promotion">The promotion's id in the journal.</param>
/// <param name="Isolated">What the isolated database knows of the promotion.</param>
/// <param name="Guard">The guard in the shared database.</param>
/// <param name="Recopied">Changes that the copies of these tables have, because they were copied again after DDL.</param>
/// <param name="RequireCurrentRun">
/// Called in every transaction that writes in the shared database; fails when a newer run has taken over.
/// </param>
public sealed record StreamContext(
    Databases Databases,
    TenantScope Scope,
    Tenant Tenant,
    long Promotion,
    IsolatedJournal Isolated,
    WriteGuard Guard,
    IReadOnlyDictionary<TableName, ShownTransactions> Recopied,
    Func<NpgsqlConnection, CancellationToken, Task> RequireCurrentRun,
    IPromotionProgress Progress,
    Governor Governor,
    TimeProvider Clock
);
