using System.Data;
using Migrator.Model;
using Npgsql;

namespace Migrator.Connections;

/// <summary>Transactions that see one state of the database.</summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-set-transaction.html</remarks>
static class Snapshots
{
    /// <summary>A transaction that reads in one snapshot; the server refuses any change.</summary>
    public static async Task<NpgsqlTransaction> BeginReadOnlyAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await connection.ExecuteAsync("SET TRANSACTION READ ONLY", cancellationToken);
        return transaction;
    }

    /// <summary>A transaction that sees what another session's snapshot shows.</summary>
    /// <param name="snapshot">An exported snapshot of the same database; its session lives.</param>
    public static async Task<NpgsqlTransaction> BeginAsync(
        NpgsqlConnection connection,
        string snapshot,
        CancellationToken cancellationToken
    )
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await SetAsync(connection, snapshot, cancellationToken);
        return transaction;
    }

    /// <summary>Lets a transaction that has read nothing yet see what another session's snapshot shows.</summary>
    public static Task SetAsync(NpgsqlConnection connection, string snapshot, CancellationToken cancellationToken) =>
        connection.ExecuteAsync($"SET TRANSACTION SNAPSHOT {Sql.Literal(snapshot)}", cancellationToken);

    /// <summary>The <c>pg_snapshot</c> of a transaction, or of a statement of its own: what it shows.</summary>
    /// <remarks>
    /// A snapshot that a replication slot has exported may end before it begins, which PostgreSQL prints and does not read.
    /// It shows what is older than its beginning.
    /// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/replication/logical/snapbuild.c
    /// </remarks>
    public static async Task<string> CurrentAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (
            await connection.ExecuteScalarAsync<string>(
                """
                SELECT concat_ws(':', pg_snapshot_xmin(s), greatest(pg_snapshot_xmin(s), pg_snapshot_xmax(s)),
                                 array_to_string(ARRAY(SELECT pg_snapshot_xip(s)), ','))
                FROM pg_current_snapshot() s
                """,
                cancellationToken
            )
        )!;
}
