using System.Globalization;
using Migrator.Connections;
using Migrator.Messages;
using Npgsql;

namespace Migrator.Governing;

/// <summary>
/// The user's own sign that the shared server has enough to do: a query whose one value is a number or a boolean. Anything
/// but 0, false and null lets the run wait, and so does a query that fails.
/// </summary>
public static class ThrottleQuery
{
    /// <summary>Before anything is done: a query that cannot be asked would stop the run midway.</summary>
    /// <exception cref="Model.MigratorException">The query fails, or what it returns says neither yes nor no.</exception>
    public static async Task RequireAsync(Databases databases, string? query, CancellationToken cancellationToken)
    {
        if (query is null)
            return;
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        try
        {
            await IsBusyAsync(shared, query, cancellationToken);
        }
        catch (Exception e) when (e is PostgresException or FormatException)
        {
            throw GovernorMessages.QueryUnusable(e.Message);
        }
    }

    /// <summary>Why the run has to wait, as a sentence; null if it need not.</summary>
    internal static async Task<string?> StressAsync(
        NpgsqlConnection shared,
        string query,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await IsBusyAsync(shared, query, cancellationToken) ? GovernorMessages.QueryHolds : null;
        }
        catch (Exception e)
            when (e is PostgresException { SqlState: not PostgresErrorCodes.AdminShutdown } or FormatException)
        {
            return GovernorMessages.QueryFails(e.Message);
        }
    }

    // The query is asked twice a second: it writes nothing, and must not become a load of its own.
    static async Task<bool> IsBusyAsync(NpgsqlConnection shared, string query, CancellationToken cancellationToken)
    {
        await using var transaction = await shared.BeginTransactionAsync(cancellationToken);
        await shared.ExecuteAsync(
            "SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '1s'; SET LOCAL lock_timeout = '1s'",
            cancellationToken
        );
        return await shared.ExecuteScalarAsync<object?>(query, cancellationToken) switch
        {
            null => false,
            bool said => said,
            (short or int or long or float or double or decimal) and var number => Convert.ToDecimal(
                number,
                CultureInfo.InvariantCulture
            ) != 0,
            var other => throw new FormatException(GovernorMessages.NeitherYesNorNo(other.GetType().Name)),
        };
    }
}
