using Dapper;
using Npgsql;

namespace Migrator.Connections;

/// <summary>
/// Dapper's queries with a cancellation token that cannot be forgotten: Dapper's short overloads have none, and a
/// statement without one outlives Ctrl-C.
/// </summary>
public static class Query
{
    // What Dapper compiles for a statement serves in every database, and takes longer than many a statement.
    static Query() => SqlMapper.ConnectionStringComparer = EqualityComparer<string>.Create((_, _) => true, _ => 0);

    public static Task<int> ExecuteAsync(
        this NpgsqlConnection connection,
        string sql,
        CancellationToken cancellationToken
    ) => connection.ExecuteAsync(Command(sql, null, cancellationToken));

    public static Task<int> ExecuteAsync(
        this NpgsqlConnection connection,
        string sql,
        object? parameters,
        CancellationToken cancellationToken
    ) => connection.ExecuteAsync(Command(sql, parameters, cancellationToken));

    public static Task<T?> ExecuteScalarAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        CancellationToken cancellationToken
    ) => connection.ExecuteScalarAsync<T>(Command(sql, null, cancellationToken));

    public static Task<T?> ExecuteScalarAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        object? parameters,
        CancellationToken cancellationToken
    ) => connection.ExecuteScalarAsync<T>(Command(sql, parameters, cancellationToken));

    public static async Task<IReadOnlyList<T>> QueryAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        CancellationToken cancellationToken
    ) => [.. await connection.QueryAsync<T>(Command(sql, null, cancellationToken))];

    public static async Task<IReadOnlyList<T>> QueryAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        object? parameters,
        CancellationToken cancellationToken
    ) => [.. await connection.QueryAsync<T>(Command(sql, parameters, cancellationToken))];

    public static Task<T> QuerySingleAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        CancellationToken cancellationToken
    ) => connection.QuerySingleAsync<T>(Command(sql, null, cancellationToken));

    public static Task<T> QuerySingleAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        object? parameters,
        CancellationToken cancellationToken
    ) => connection.QuerySingleAsync<T>(Command(sql, parameters, cancellationToken));

    public static Task<T?> QueryFirstOrDefaultAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        object? parameters,
        CancellationToken cancellationToken
    ) => connection.QueryFirstOrDefaultAsync<T>(Command(sql, parameters, cancellationToken));

    static CommandDefinition Command(string sql, object? parameters, CancellationToken cancellationToken) =>
        new(sql, parameters, cancellationToken: cancellationToken);
}
