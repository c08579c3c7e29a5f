using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Connections;

/// <summary>
/// Whether a connection is a session of the server itself. Behind a pooler in transaction mode each transaction may have
/// another session: the tenant's lock, which lets one run at a time work, would be lost between two statements.
/// </summary>
public static class DirectSession
{
    /// <exception cref="MigratorException">A pooler is in between.</exception>
    public static async Task RequireAsync(NpgsqlConnectionStringBuilder server, CancellationToken cancellationToken)
    {
        if (await WhyNotAsync(server, cancellationToken) is { } why)
            throw MigratorException.Refused(why);
    }

    /// <summary>Null for a session of the server itself; otherwise a sentence.</summary>
    public static async Task<string?> WhyNotAsync(
        NpgsqlConnectionStringBuilder server,
        CancellationToken cancellationToken
    )
    {
        await using var ours = await Databases.OpenAsync(server, cancellationToken);
        await using var other = await Databases.OpenAsync(server, cancellationToken);
        // A pooler that lets the connection in has left its options out.
        if (await ours.ExecuteScalarAsync<string>("SHOW row_security", cancellationToken) != "off")
            return ServerMessages.Pooler(server.Host!, server.Port);
        // The transaction keeps a session to itself, so that ours cannot have the same one twice by chance.
        var before = await ProcessAsync(ours, cancellationToken);
        await using var transaction = await other.BeginTransactionAsync(cancellationToken);
        var taken = await ProcessAsync(other, cancellationToken);
        var after = await ProcessAsync(ours, cancellationToken);
        return taken == before || after != before ? ServerMessages.Pooler(server.Host!, server.Port) : null;
    }

    static Task<int> ProcessAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<int>("SELECT pg_backend_pid()", cancellationToken);
}
