using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Terminal;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Journal;

/// <summary>What the isolated database says of itself, and the run number that keeps an older run from writing into it.</summary>
public sealed class IsolatedJournal(NpgsqlDataSource isolated, Tenant tenant, long promotion, long run)
{
    /// <summary>Puts our mark on the database, or renews it with this run's number. Waits for what older runs have in flight.</summary>
    public async Task ClaimAsync(CancellationToken cancellationToken)
    {
        await using var connection = await isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(SqlFile.Read("isolated.sql"), cancellationToken);
        await connection.ExecuteAsync(
            """
            INSERT INTO tenant_promotion.owner VALUES (@Key, @Slug, @promotion, @run)
            ON CONFLICT (tenant_key) DO UPDATE SET promotion_id = @promotion, run = @run
            """,
            new
            {
                tenant.Key,
                Slug = tenant.Slug.Text,
                promotion,
                run,
            },
            cancellationToken
        );
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>To be called in every transaction that writes: holds this run's mark until the commit.</summary>
    /// <exception cref="Failure">A newer run has taken over.</exception>
    public async Task RequireCurrentRunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var current = await connection.ExecuteScalarAsync<long?>(
            "SELECT run FROM tenant_promotion.owner WHERE tenant_key = @Key FOR SHARE",
            new { tenant.Key },
            cancellationToken
        );
        if (current != run)
            throw PromotionMessages.Superseded(tenant.Slug);
    }

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

    /// <summary>Records a loaded part, in the transaction that loaded it.</summary>
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

    /// <summary>Whose database this is: the marked tenant's key, or null when it bears no mark of ours.</summary>
    public static async Task<string?> OwnerAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await connection.ExecuteScalarAsync<bool>(
            "SELECT to_regclass('tenant_promotion.owner') IS NOT NULL",
            cancellationToken
        )
            ? await connection.ExecuteScalarAsync<string?>(
                "SELECT tenant_key FROM tenant_promotion.owner",
                cancellationToken
            )
            : null;
}
