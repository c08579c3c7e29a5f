using System.Security.Cryptography;
using System.Text;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// The triggers that decide, in one database, whether the tenant's writes are accepted. While the guard is open, each
/// write holds a lock until its transaction ends. Whoever closes the guard waits for those locks, so that after the
/// close the tenant's rows stand still. <see cref="ClosedGuard"/> closes it.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-createtrigger.html</remarks>
/// <param name="requireCurrentRun">
/// Called in each transaction that changes a table; fails when a newer run has taken over.
/// </param>
public sealed class WriteGuard(
    NpgsqlDataSource database,
    TenantScope scope,
    Tenant tenant,
    TimeProvider clock,
    Func<NpgsqlConnection, CancellationToken, Task>? requireCurrentRun = null
)
{
    /// <summary>
    /// The prefix of the names of the guard's triggers. The tilde sorts last, so that the guard sees the row as the
    /// application's own triggers left it.
    /// </summary>
    public const string TriggerPrefix = "~tenant_promotion_";

    /// <summary>How long <see cref="PrefixOf"/> is.</summary>
    public static readonly int PrefixLength = TriggerPrefix.Length + HashLength;

    const int HashLength = 12;

    readonly GuardTriggers triggers = new(scope, tenant);
    readonly GuardNames names = new(tenant);
    readonly UnseenWriters unseen = new(scope, new(tenant));
    readonly Fence fence = new(database, scope, clock);

    string Prefix { get; } = PrefixOf(tenant.Key);

    /// <summary>The table that each write locks until its transaction ends.</summary>
    internal TableName Gate => new("tenant_promotion", names.Gate);

    /// <summary>The table that the run locks which has closed the guard.</summary>
    internal TableName Run => new("tenant_promotion", names.Run);

    string Attention => GuardNames.Quoted(names.Attention);

    // Kept, because they are looked for within the pause.
    StandingTrigger[] Expected => field ??= [.. Tables.SelectMany(table => triggers.Of(table).Triggers)];

    IEnumerable<ScopedTable> Tables => scope.TenantTables;

    /// <summary>The prefix of the names of a tenant's triggers and functions.</summary>
    public static string PrefixOf(string tenantKey) => TriggerPrefix + HashOf(tenantKey);

    internal static string HashOf(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..HashLength];

    /// <summary>Writes the guard's row first, then the triggers, table by table; safe to repeat.</summary>
    /// <param name="state">The state of a new guard; a guard that is there keeps its own.</param>
    /// <exception cref="MigratorException">Another session keeps a table locked for too long.</exception>
    public async Task InstallAsync(string state, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            """
            INSERT INTO tenant_promotion.guard (tenant_key, tenant_slug, state, pass)
            VALUES (@Key, @Slug, @state, gen_random_uuid()) ON CONFLICT (tenant_key) DO NOTHING
            """,
            new
            {
                tenant.Key,
                Slug = tenant.Slug.Text,
                state,
            },
            cancellationToken
        );
        await CreateObjectsAsync(connection, cancellationToken);
        if (state == GuardState.Moved)
            await DrawAttentionAsync(connection, state, cancellationToken);
        foreach (var table in Tables)
            await WithTableLockAsync(connection, table.Name, triggers.Of(table).Sql, cancellationToken);
        await CalmAsync(cancellationToken);
    }

    async Task CreateObjectsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (requireCurrentRun is not null)
            await requireCurrentRun(connection, cancellationToken);
        await connection.ExecuteAsync(names.Create(), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>
    /// Installs the guard anew if triggers of it are missing, or if an earlier version has installed it, which knew
    /// other locks.
    /// </summary>
    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        await using (var connection = await database.OpenConnectionAsync(cancellationToken))
            if (
                await OwnSchema.HasAsync(connection, names.Travelled, cancellationToken)
                && (await MissingAsync(connection, Expected, cancellationToken)).Count == 0
            )
                return;
        await InstallAsync(GuardState.Open, cancellationToken);
    }

    /// <summary>Requires that every trigger stands, and fires in every session.</summary>
    /// <exception cref="MigratorException">
    /// Somebody has dropped triggers of the guard, or switched them off.
    /// </exception>
    public async Task RequireStandingAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        if (await MissingAsync(connection, Expected, cancellationToken) is { Count: > 0 } missing)
            throw GuardMessages.TriggersMissing(tenant.Slug, missing);
    }

    /// <summary>The triggers of a tenant's guard in the shared database that are not there, or do not fire in every session.</summary>
    public static async Task<IReadOnlyList<string>> MissingAsync(
        NpgsqlConnection connection,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        var triggers = new GuardTriggers(scope, tenant);
        return await MissingAsync(
            connection,
            [.. scope.TenantTables.SelectMany(table => triggers.Of(table).Triggers)],
            cancellationToken
        );
    }

    static async Task<IReadOnlyList<string>> MissingAsync(
        NpgsqlConnection connection,
        StandingTrigger[] expected,
        CancellationToken cancellationToken
    ) => OwnTriggers.Shown(await OwnTriggers.MissingAsync(connection, expected, cancellationToken));

    /// <summary>
    /// Removes triggers, functions and, last, the guard's row, and the fence if nobody needs it any more; safe to repeat.
    /// </summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        await using (var connection = await database.OpenConnectionAsync(cancellationToken))
        {
            if (!await OwnSchema.HasAsync(connection, "guard", cancellationToken))
                return;
            await DropObjectsAsync(connection, cancellationToken);
            // The fence looks no further from here on. The sequence goes with the fence, and stays as long as the row does.
            await connection.ExecuteAsync(
                """
                WITH removed AS (DELETE FROM tenant_promotion.guard WHERE tenant_key = @Key RETURNING tenant_key)
                SELECT setval(name, @Calm) FROM removed, to_regclass(@Attention) name WHERE name IS NOT NULL
                """,
                new
                {
                    GuardNames.Calm,
                    Attention,
                    tenant.Key,
                },
                cancellationToken
            );
        }
        await fence.LowerAsync(cancellationToken);
    }

    /// <summary>
    /// The tenant has moved for good: raises the fence, then removes the guard's triggers and functions. The guard's row
    /// stays, and tells the fence whose writes fail.
    /// </summary>
    public async Task RetireAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(names.CreateAttention(), cancellationToken);
        await DrawAttentionAsync(connection, GuardState.Moved, cancellationToken);
        await fence.RaiseAsync(cancellationToken);
        await DropObjectsAsync(connection, cancellationToken);
    }

    async Task DropObjectsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var drops = await OwnTriggers.DropsAsync(connection, Prefix, cancellationToken);
        for (var n = 0; n < drops.Count; n++)
            try
            {
                await WithTableLockAsync(connection, drops[n].Table, drops[n].Drop, cancellationToken);
            }
            catch (MigratorException e) when (e.InnerException is PostgresException)
            {
                throw GuardMessages.TriggersLeft([.. drops.Skip(n).Select(drop => drop.Table)], e);
            }
        await OwnTriggers.DropFunctionsAsync(connection, Prefix, cancellationToken);
        await OwnRemains.DropAsync(
            connection,
            [names.Forget(), .. names.DropTables()],
            requireCurrentRun,
            cancellationToken
        );
    }

    /// <summary>
    /// Sets the guard's state inside the caller's transaction, which holds the gate, or the table of the run; writes
    /// look at the state from now on.
    /// </summary>
    /// <exception cref="MigratorException">The guard is not in the state that it was left in.</exception>
    public async Task SetAsync(JournalTransaction transaction, string from, string to)
    {
        await DrawAttentionAsync(transaction.Connection, to, transaction.Cancel);
        const string update = """
            UPDATE tenant_promotion.guard SET state = @to, changed_at = clock_timestamp()
            WHERE tenant_key = @Key AND state = @from
            """;
        var parameters = new
        {
            tenant.Key,
            from,
            to,
        };
        if (await transaction.ExecuteAsync(update, parameters) != 1)
            throw GuardMessages.OpenedMeanwhile(tenant.Slug);
    }

    // Writes have to look at the guard's row from now on. Not undone by the end of the transaction, which costs the look
    // and nothing else.
    Task DrawAttentionAsync(NpgsqlConnection connection, string state, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            """
            SELECT setval(a.name, greatest(@value, pg_sequence_last_value(a.name)))
            FROM (SELECT CAST(@Attention AS regclass) AS name) a
            """,
            new { Attention, value = state == GuardState.Moved ? GuardNames.Left : GuardNames.Look },
            cancellationToken
        );

    /// <summary>
    /// Opens a closed guard inside the caller's transaction, and leaves alone one whose tenant has moved;
    /// <see cref="CalmAsync"/> should follow.
    /// </summary>
    public Task OpenAsync(JournalTransaction transaction) => OpenAsync(transaction, [GuardState.Closed]);

    /// <summary>Opens the guard also if the tenant had moved: the tenant is in this database again.</summary>
    public Task ReturnAsync(JournalTransaction transaction) =>
        OpenAsync(transaction, [GuardState.Closed, GuardState.Moved]);

    // An open guard's row may be locked by a writer that does not end.
    Task OpenAsync(JournalTransaction transaction, string[] from) =>
        transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.guard SET state = @Open, changed_at = clock_timestamp()
            WHERE tenant_key = @Key AND state = ANY (@from)
            """,
            new
            {
                tenant.Key,
                GuardState.Open,
                from,
            }
        );

    /// <summary>
    /// Tells writes that they need not look at the state, if the guard is open and the tenant has never left. Before
    /// the state can become another one, the gate's lock makes whoever changes the state wait for this transaction.
    /// </summary>
    public async Task CalmAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync($"LOCK TABLE {Gate.Quoted} IN ROW SHARE MODE", cancellationToken);
        await connection.ExecuteAsync(
            """
            SELECT setval(a.name, @Calm)
            FROM tenant_promotion.guard g, (SELECT CAST(@Attention AS regclass) AS name) a
            WHERE g.tenant_key = @Key AND g.state = @Open AND pg_sequence_last_value(a.name) IS DISTINCT FROM @Left
            """,
            new
            {
                Attention,
                tenant.Key,
                GuardState.Open,
                GuardNames.Calm,
                GuardNames.Left,
            },
            cancellationToken
        );
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>How often a write has opened the guard because the run that had closed it was gone.</summary>
    public Task<long> EpochAsync(JournalTransaction transaction) =>
        transaction.ScalarAsync<long>(
            "SELECT epoch FROM tenant_promotion.guard WHERE tenant_key = @Key",
            new { tenant.Key }
        );

    /// <summary>The guard is closed, and no write has opened it since.</summary>
    public Task<bool> IsClosedAsync(NpgsqlConnection connection, long epoch, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM tenant_promotion.guard WHERE tenant_key = @Key AND state = @Closed AND epoch = @epoch)
            """,
            new
            {
                tenant.Key,
                GuardState.Closed,
                epoch,
            },
            cancellationToken
        );

    /// <inheritdoc cref="UnseenWriters.WaitAsync"/>
    internal Task AwaitUnseenAsync(
        NpgsqlConnection connection,
        TimeSpan timeout,
        CancellationToken cancellationToken
    ) => unseen.WaitAsync(connection, clock, timeout, cancellationToken);

    /// <summary>The tenant's transactions that keep the guard from closing, one line each.</summary>
    public async Task<IReadOnlyList<string>> HoldersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await LockHolders.OfTableAsync(connection, Gate, cancellationToken) is { Count: > 0 } holders
            ? holders
            : await unseen.LinesAsync(connection, cancellationToken);
    }

    /// <summary>
    /// Lets the statements of this transaction pass the closed guard, by a proof that only who knows the guard's secret
    /// can give, and that is worth nothing in any other transaction.
    /// </summary>
    public Task PassAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            """
            SELECT set_config(
                'tenant_promotion.pass', tenant_promotion.proof(pass, 'pass ' || pg_current_xact_id()::text), true)
            FROM tenant_promotion.guard WHERE tenant_key = @Key
            """,
            new { tenant.Key },
            cancellationToken
        );

    /// <summary>What proves that a message in the log is the guard's; null when there is no guard.</summary>
    public Task<string?> SecretAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<string?>(
            "SELECT pass FROM tenant_promotion.guard WHERE tenant_key = @Key",
            new { tenant.Key },
            cancellationToken
        );

    /// <summary>
    /// The changes of a table whose rows have no key, by transactions that a snapshot does not show: for each row how many
    /// more of it there are, or how many less.
    /// </summary>
    /// <param name="snapshot">A <c>pg_snapshot</c> of this database, not older than the guard.</param>
    public Task<IReadOnlyList<NotedRows>> NotedAsync(
        NpgsqlConnection connection,
        ScopedTable table,
        string snapshot,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<NotedRows>(
            $"""
            SELECT row AS "Row", sum(change) AS "Count" FROM {GuardNames.Quoted(names.Log)}
            WHERE relation = @relation AND NOT pg_visible_in_snapshot(xid, CAST(@snapshot AS pg_snapshot))
            GROUP BY row HAVING sum(change) <> 0
            """,
            new { relation = table.Name.Quoted, snapshot },
            cancellationToken
        );

    /// <summary>Forgets the changes that were noted; to be called when nobody follows them.</summary>
    public Task ForgetNotedAsync(JournalTransaction transaction) =>
        transaction.ExecuteAsync($"DELETE FROM {GuardNames.Quoted(names.Log)}");

    /// <summary>The guard's state, or null when there is none.</summary>
    public async Task<string?> StateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await StateAsync(connection, tenant.Key, cancellationToken);
    }

    /// <summary>The state as a write meets it: a guard whose gate is locked is closed for now.</summary>
    public static async Task<string?> StateAsync(
        NpgsqlConnection connection,
        string tenantKey,
        CancellationToken cancellationToken
    ) =>
        await OwnSchema.HasAsync(connection, "guard", cancellationToken)
            ? await connection.ExecuteScalarAsync<string?>(
                """
                SELECT CASE WHEN state = 'open' AND EXISTS (
                    SELECT FROM pg_locks l
                    WHERE l.relation = to_regclass(@gate) AND l.mode = 'ExclusiveLock' AND l.granted
                      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                ) THEN 'closed' ELSE state END
                FROM tenant_promotion.guard WHERE tenant_key = @tenantKey
                """,
                new { tenantKey, gate = GuardNames.Quoted(PrefixOf(tenantKey) + GuardNames.GateSuffix) },
                cancellationToken
            )
            : null;

    Task WithTableLockAsync(
        NpgsqlConnection connection,
        TableName table,
        string statements,
        CancellationToken cancellationToken
    ) =>
        TableLock.RunAsync(
            connection,
            table,
            async token =>
            {
                if (requireCurrentRun is not null)
                    await requireCurrentRun(connection, token);
                return await connection.ExecuteAsync(statements, token);
            },
            clock,
            cancellationToken
        );
}
