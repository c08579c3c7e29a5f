using Migrator.Connections;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// Drops objects of ours that nothing uses any more, as far as nobody keeps them. Any login can keep one: numbers of relations
/// are no secret, and a login may lock a relation by its number, or have a default of its own temporary table name the
/// number. What is kept does nothing, and the next promotion of the tenant uses it again.
/// </summary>
/// <remarks>
/// https://www.postgresql.org/docs/current/ddl-depend.html, https://www.postgresql.org/docs/current/datatype-oid.html
/// </remarks>
static class OwnRemains
{
    // Nobody works with what is dropped, so that nobody queues behind this wait.
    const int LockTimeout = 2_000;

    /// <summary>Drops one after the other, each in a transaction of its own.</summary>
    /// <param name="drops">Statements that are safe to repeat.</param>
    /// <param name="requireCurrentRun">Called in each transaction; fails when a newer run has taken over.</param>
    public static async Task DropAsync(
        NpgsqlConnection connection,
        IEnumerable<string> drops,
        Func<NpgsqlConnection, CancellationToken, Task>? requireCurrentRun,
        CancellationToken cancellationToken
    )
    {
        foreach (var drop in drops)
            try
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                if (requireCurrentRun is not null)
                    await requireCurrentRun(connection, cancellationToken);
                await connection.ExecuteAsync($"SET LOCAL lock_timeout = {LockTimeout}; {drop}", cancellationToken);
                await transaction.CommitAsync(cancellationToken);
            }
            catch (PostgresException e) when (IsKept(e)) { }
    }

    static bool IsKept(PostgresException e) =>
        TableLock.IsRefused(e) || e.SqlState == PostgresErrorCodes.DependentObjectsStillExist;
}
