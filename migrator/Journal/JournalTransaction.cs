using Migrator.Connections;
using Npgsql;

namespace Migrator.Journal;

/// <summary>The statements of one journal transaction.</summary>
public readonly record struct JournalTransaction(NpgsqlConnection Connection, CancellationToken Cancel)
{
    public Task<int> ExecuteAsync(string sql, object? parameters = null) =>
        Connection.ExecuteAsync(sql, parameters, Cancel);

    public async Task<T> ScalarAsync<T>(string sql, object? parameters = null) =>
        (await Connection.ExecuteScalarAsync<T>(sql, parameters, Cancel))!;
}
