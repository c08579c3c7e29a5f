using Dapper;
using Migrator.Embedded;
using Npgsql;

namespace Migrator.Tests.Support;

/// <summary>A database of one test, dropped after it. What runs in it ends with the test.</summary>
public sealed class TestDatabase(EmbeddedCluster cluster, string name, string owner) : IAsyncDisposable
{
    /// <summary>The server it is on.</summary>
    public EmbeddedCluster Cluster => cluster;

    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>Its owner, and who runs statements when nobody else is named.</summary>
    public string Owner => owner;

    /// <summary>Creates an empty database.</summary>
    public static async Task<TestDatabase> CreateAsync(EmbeddedCluster cluster, string name, string owner)
    {
        await cluster.CreateDatabaseAsync(name, owner);
        return new(cluster, name, owner);
    }

    /// <summary>A connection string for a role; without one, for the owner.</summary>
    public string ConnectionString(string? role = null) => cluster.ConnectionString(name, role ?? owner);

    /// <summary>An open connection as a role; without one, as the owner.</summary>
    public async Task<NpgsqlConnection> OpenAsync(string? role = null)
    {
        var connection = new NpgsqlConnection(ConnectionString(role));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    /// <summary>Runs statements.</summary>
    public async Task ExecuteAsync(string sql, object? parameters = null, string? role = null)
    {
        await using var connection = await OpenAsync(role);
        await connection.ExecuteAsync(Command(sql, parameters));
    }

    /// <summary>Reads rows.</summary>
    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters = null, string? role = null)
    {
        await using var connection = await OpenAsync(role);
        return (await connection.QueryAsync<T>(Command(sql, parameters))).AsList();
    }

    /// <summary>Reads one value.</summary>
    public async Task<T> ScalarAsync<T>(string sql, object? parameters = null, string? role = null)
    {
        await using var connection = await OpenAsync(role);
        return (await connection.ExecuteScalarAsync<T>(Command(sql, parameters)))!;
    }

    /// <summary>Drops the database and whoever is connected to it.</summary>
    public async ValueTask DisposeAsync()
    {
        await using (var connection = new NpgsqlConnection(ConnectionString()))
            NpgsqlConnection.ClearPool(connection);
        await cluster.DropDatabaseAsync(name);
    }

    static CommandDefinition Command(string sql, object? parameters) =>
        new(sql, parameters, commandTimeout: 0, cancellationToken: TestContext.Current.CancellationToken);
}
