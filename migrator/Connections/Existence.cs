using Npgsql;

namespace Migrator.Connections;

/// <summary>Whether something is there.</summary>
public static class Existence
{
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
