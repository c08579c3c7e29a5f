using System.Security.Cryptography;
using System.Text;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// The triggers that decide, in one database, whether the tenant's writes are accepted. While the guard is open, each
/// write holds it until the commit. While it is closed, each write fails with SQLSTATE 25006. Closing waits for the
/// transactions that hold the guard, so that after the close the tenant's rows stand still.
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

    string Prefix { get; } = PrefixOf(tenant.Key);

    IEnumerable<ScopedTable> Tables => scope.TenantTables;

    /// <summary>The prefix of the names of a tenant's triggers and functions.</summary>
    public static string PrefixOf(string tenantKey) =>
        TriggerPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tenantKey)))[..HashLength];

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
        foreach (var table in Tables)
            await WithTableLockAsync(connection, table.Name, triggers.Of(table), cancellationToken);
    }

    /// <summary>Removes triggers, functions and, last, the guard's row; safe to repeat.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        if (!await OwnSchema.HasAsync(connection, "guard", cancellationToken))
            return;
        await DropTriggersAsync(connection, cancellationToken);
        await DropFunctionsAsync(connection, cancellationToken);
        await connection.ExecuteAsync(
            "DELETE FROM tenant_promotion.guard WHERE tenant_key = @Key",
            new { tenant.Key },
            cancellationToken
        );
    }

    // From the catalog and not from the scope: a table may have been renamed meanwhile.
    async Task DropTriggersAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var installed = await connection.QueryAsync<(string Schema, string Table, string Trigger)>(
            """
            SELECT n.nspname, c.relname, t.tgname
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE starts_with(t.tgname, @Prefix) AND t.tgparentid = 0
            """,
            new { Prefix },
            cancellationToken
        );
        foreach (var table in installed.GroupBy(row => new TableName(row.Schema, row.Table)))
            await WithTableLockAsync(
                connection,
                table.Key,
                string.Concat(
                    table.Select(row =>
                        $"DROP TRIGGER IF EXISTS {Sql.Identifier(row.Trigger)} ON {table.Key.Quoted};\n"
                    )
                ),
                cancellationToken
            );
    }

    async Task DropFunctionsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var functions = await connection.QueryAsync<string>(
            """
            SELECT proname FROM pg_proc
            WHERE pronamespace = 'tenant_promotion'::regnamespace AND starts_with(proname, @Prefix)
            """,
            new { Prefix },
            cancellationToken
        );
        foreach (var function in functions)
            await connection.ExecuteAsync(
                $"DROP FUNCTION IF EXISTS tenant_promotion.{Sql.Identifier(function)}()",
                cancellationToken
            );
    }

    /// <summary>
    /// Closes the guard inside the caller's transaction; the guard is closed when that commits. Waits for the tenant's
    /// transactions in flight.
    /// </summary>
    /// <param name="timeout">How long the tenant's new writers may queue behind us.</param>
    /// <exception cref="PostgresException">
    /// <see cref="PostgresErrorCodes.LockNotAvailable"/>: a writer took longer than the timeout.
    /// </exception>
    public async Task CloseAsync(JournalTransaction transaction, TimeSpan timeout)
    {
        // Half of the time in the queue, ahead of new writers, the rest for the guard's row alone: a session that has the
        // queue's lock and does not write for the tenant cannot keep the guard open.
        var half = Math.Max(1, (int)(timeout.TotalMilliseconds / 2));
        await transaction.ExecuteAsync("SELECT tenant_promotion.queue(@Key, true, @half)", new { tenant.Key, half });
        await transaction.ExecuteAsync($"SET LOCAL lock_timeout = {half}");
        const string close =
            "UPDATE tenant_promotion.guard SET state = @Closed, changed_at = now() WHERE tenant_key = @Key";
        if (await transaction.ExecuteAsync(close, new { tenant.Key, GuardState.Closed }) != 1)
            throw new InvalidOperationException("There is no guard to close.");
    }

    /// <summary>Opens the guard inside the caller's transaction.</summary>
    public Task OpenAsync(JournalTransaction transaction) =>
        // An open guard's row may be locked by a writer that does not end.
        transaction.ExecuteAsync(
            """
            UPDATE tenant_promotion.guard SET state = @Open, changed_at = now()
            WHERE tenant_key = @Key AND state <> @Open
            """,
            new { tenant.Key, GuardState.Open }
        );

    /// <summary>The tenant's transactions that keep the guard from closing, one line each.</summary>
    public async Task<IReadOnlyList<string>> HoldersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await LockHolders.OfAdvisoryLockAsync(
            connection,
            TenantLock.LockClass,
            "guard " + tenant.Key,
            cancellationToken
        );
    }

    /// <summary>
    /// Lets the statements of this transaction pass the closed guard, by a proof that only who knows the guard's secret can
    /// give, and that is worth nothing in any other transaction.
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

    /// <summary>The guard's state, or null when there is none.</summary>
    public async Task<string?> StateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await StateAsync(connection, tenant.Key, cancellationToken);
    }

    public static async Task<string?> StateAsync(
        NpgsqlConnection connection,
        string tenantKey,
        CancellationToken cancellationToken
    ) =>
        await OwnSchema.HasAsync(connection, "guard", cancellationToken)
            ? await connection.ExecuteScalarAsync<string?>(
                "SELECT state FROM tenant_promotion.guard WHERE tenant_key = @tenantKey",
                new { tenantKey },
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
