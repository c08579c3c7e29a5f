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
/// <param name="BringHome">
/// Inserts in the shared database what the isolated one's rows name there and it lacks: rows of tables that no stream follows home,
/// and of such tables the rows, seen as <c>t</c>, that meet a condition.
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
    Func<IReadOnlyDictionary<TableName, string>, CancellationToken, Task> BringHome,
    IPromotionProgress Progress,
    Governor Governor,
    TimeProvider Clock
);
