using Npgsql;

namespace Migrator.Connections;

/// <summary>Whether something is there.</summary>
public static class Existence
{
    /// <param name="name">The table's name with its schema, quoted where it has to be.</param>
    public static Task<bool> TableExistsAsync(
        this NpgsqlConnection connection,
        string name,
        CancellationToken cancellationToken
    ) => connection.ExecuteScalarAsync<bool>("SELECT to_regclass(@name) IS NOT NULL", new { name }, cancellationToken);

    /// <summary>Whether the connection's server has a database of that name.</summary>
    public static Task<bool> DatabaseExistsAsync(
        this NpgsqlConnection connection,
        string name,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = @name)",
            new { name },
            cancellationToken
        );
}
