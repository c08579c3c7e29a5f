using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>
/// What the isolated database records: its owner, and the run number that keeps an older run from writing.
/// </summary>
public sealed class IsolatedJournal(
    NpgsqlDataSource isolated,
    Tenant tenant,
    DatabaseIdentity shared,
    long promotion,
    long run,
    bool isLive
)
{
    /// <summary>
    /// Claims the database for this run: writes or renews the mark with its number. Waits for the open
    /// transactions of older runs.
    /// </summary>
    /// <exception cref="MigratorException">The mark names another shared database: nothing was changed.</exception>
    public async Task ClaimAsync(CancellationToken cancellationToken)
    {
        await using var connection = await isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await OwnSchema.CreateAsync(connection, cancellationToken);
        await connection.ExecuteAsync(SqlFile.Read("isolated.sql"), cancellationToken);
        await connection.ExecuteAsync("LOCK TABLE tenant_promotion.owner IN EXCLUSIVE MODE", cancellationToken);
        if (
            await IsolatedMark.ReadAsync(connection, cancellationToken) is { } mark
            && mark.Foreign(shared, tenant.Slug) is { } foreign
        )
            throw MigratorException.Refused(foreign);
        await MarkAsync(connection, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    Task MarkAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            """
            INSERT INTO tenant_promotion.owner AS mark
                (tenant_key, tenant_slug, promotion_id, run, shared_system, shared_oid, shared_name, live)
            VALUES (@Key, @Slug, @promotion, @run, @System, @Oid, @Name, @isLive)
            ON CONFLICT (tenant_key) DO UPDATE SET promotion_id = @promotion, run = @run,
                shared_system = @System, shared_oid = @Oid, shared_name = @Name, live = mark.live OR @isLive
            """,
            new
            {
                tenant.Key,
                Slug = tenant.Slug.Text,
                promotion,
                run,
                shared.System,
                shared.Oid,
                shared.Name,
                isLive,
            },
            cancellationToken
        );

    /// <summary>Records whether the database takes the tenant's writes, as part of the caller's transaction.</summary>
    public Task<int> SetLiveAsync(NpgsqlConnection connection, bool live, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            "UPDATE tenant_promotion.owner SET live = @live WHERE tenant_key = @Key",
            new { tenant.Key, live },
            cancellationToken
        );

    /// <summary>
    /// Must be called before the database is emptied or dropped; before emptying it, in the same transaction.
    /// </summary>
    /// <exception cref="MigratorException">
    /// The database is not this promotion's, or is the tenant's live database.
    /// </exception>
    public async Task RequireDisposableAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var mark = await IsolatedMark.ReadAsync(connection, cancellationToken);
        // The run was killed between CREATE DATABASE and the mark.
        if (mark is null && await IsEmptyAsync(connection, cancellationToken))
            return;
        if (mark is null || mark.TenantKey != tenant.Key || mark.Promotion != promotion)
            throw MigratorException.Refused(RollbackMessages.NotDisposable(tenant.Slug, connection.Database));
        if (mark.Foreign(shared, tenant.Slug) is { } foreign)
            throw MigratorException.Refused(foreign);
        if (mark.IsLive)
            throw MigratorException.Refused(PreflightMessages.IsolatedIsLive(tenant.Slug, mark.Promotion));
    }

    /// <summary>The database has no table, view or sequence of a user; objects of extensions do not count.</summary>
    public static async Task<bool> IsEmptyAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await connection.ExecuteScalarAsync<bool>(
            """
            SELECT NOT EXISTS (
                SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
                  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
                  AND NOT EXISTS (SELECT FROM pg_depend d
                                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
            """,
            cancellationToken
        );

    /// <summary>
    /// Must be called in every transaction that writes: locks the mark with this run's number until the commit.
    /// </summary>
    /// <exception cref="MigratorException">A newer run has taken over.</exception>
    public async Task RequireCurrentRunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var current = await connection.ExecuteScalarAsync<long?>(
            "SELECT run FROM tenant_promotion.owner WHERE tenant_key = @Key FOR SHARE",
            new { tenant.Key },
            cancellationToken
        );
        if (current != run)
            throw PromotionMessages.Superseded(tenant.Slug);
        await PassAsync(connection, cancellationToken);
    }

    /// <summary>Writes in a transaction of this run.</summary>
    /// <inheritdoc cref="RequireCurrentRunAsync" path="/exception"/>
    public async Task WriteAsync(Func<NpgsqlConnection, Task> write, CancellationToken cancellationToken)
    {
        await using var connection = await isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await RequireCurrentRunAsync(connection, cancellationToken);
        await write(connection);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>
    /// Lets the statements of this transaction pass the guard of a database that is not live, by a word that is worth
    /// nothing in any other transaction.
    /// </summary>
    public static Task PassAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            """
            SELECT set_config('tenant_promotion.arrival', encode(sha256(convert_to(
                pass || ' ' || pg_current_xact_id()::text, 'UTF8')), 'hex'), true)
            FROM tenant_promotion.owner
            """,
            cancellationToken
        );

    public async Task<IReadOnlyDictionary<(string Table, int Part), (long Rows, long Bytes)>> LoadedAsync(
        CancellationToken cancellationToken
    )
    {
        await using var connection = await isolated.OpenConnectionAsync(cancellationToken);
        return (
            await connection.QueryAsync<(string Table, int Part, long Rows, long Bytes)>(
                "SELECT table_name, part, rows, bytes FROM tenant_promotion.loaded",
                cancellationToken
            )
        ).ToDictionary(row => (row.Table, row.Part), row => (row.Rows, row.Bytes));
    }

    /// <summary>Records a loaded part in the transaction that loaded it.</summary>
    public static Task PartLoadedAsync(
        NpgsqlConnection connection,
        TableName table,
        int part,
        long rows,
        long bytes,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            "INSERT INTO tenant_promotion.loaded VALUES (@table, @part, @rows, @bytes)",
            new
            {
                table = table.ToString(),
                part,
                rows,
                bytes,
            },
            cancellationToken
        );

    public static Task ForgetTableAsync(
        NpgsqlConnection connection,
        TableName table,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            "DELETE FROM tenant_promotion.loaded WHERE table_name = @table",
            new { table = table.ToString() },
            cancellationToken
        );

    public static Task SaveCopiedDigestAsync(
        NpgsqlConnection connection,
        TableName table,
        Digest digest,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            """
            INSERT INTO tenant_promotion.copied_digest VALUES (@table, @Rows, CAST(@Sum AS numeric))
            ON CONFLICT (table_name) DO UPDATE SET rows = excluded.rows, sum = excluded.sum
            """,
            new
            {
                table = table.ToString(),
                digest.Rows,
                digest.Sum,
            },
            cancellationToken
        );

    public static async Task<IReadOnlyDictionary<string, Digest>> CopiedDigestsAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        (
            await connection.QueryAsync<(string Table, long Rows, string Sum)>(
                "SELECT table_name, rows, sum::text FROM tenant_promotion.copied_digest",
                cancellationToken
            )
        ).ToDictionary(row => row.Table, row => new Digest(row.Rows, row.Sum));
}
