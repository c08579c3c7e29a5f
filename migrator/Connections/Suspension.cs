using Npgsql;

namespace Migrator.Connections;

/// <summary>Writes without what stands in their way, as constraints and triggers do, within one transaction.</summary>
public static class Suspension
{
    /// <summary>Writes while something is taken away, in the caller's transaction.</summary>
    /// <param name="suspend">Its result is the statements that restore what it took away; null when that is nothing.</param>
    public static async Task<T> WriteAsync<T>(
        NpgsqlConnection connection,
        Func<Task<string?>> suspend,
        Func<Task<T>> write,
        CancellationToken cancellationToken
    )
    {
        var restoration = await suspend();
        var result = await write();
        if (restoration is null)
            return result;
        // Deferred checks and triggers that the write queued run now: an ALTER TABLE refuses a table with pending events.
        await connection.ExecuteAsync("SET CONSTRAINTS ALL IMMEDIATE", cancellationToken);
        await connection.ExecuteAsync(restoration, cancellationToken);
        return result;
    }
}
