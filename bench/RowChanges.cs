using Dapper;
using Npgsql;

namespace Bench;

/// <summary>Changes rows of tenants in a shared database, and nothing besides: no trigger writes a log.</summary>
sealed class RowChanges(BenchmarkServers servers, string database)
{
    /// <summary>One change of so many is the tenant's among the others'.</summary>
    const int OneOf = 100;

    // One for each writer: no two make rows of one key.
    int seed;

    /// <summary>Changes of the tenant that moves.</summary>
    /// <returns>The statements of each transaction; each changes one row.</returns>
    public async Task<IReadOnlyList<IReadOnlyList<string>>> OfTheTenantAsync(int count)
    {
        await using var writer = await OpenAsync(BenchmarkServers.Slug.Text);
        var transactions = new List<IReadOnlyList<string>>();
        for (var left = count; left > 0; left -= transactions[^1].Count)
            transactions.Add(await writer.WriteAsync(left));
        return transactions;
    }

    /// <summary>Changes of the other tenants by turns, and one of a hundred of the tenant that moves.</summary>
    public async Task<(int Ours, int Strangers)> AmongStrangersAsync(int count)
    {
        await using var tenant = await OpenAsync(BenchmarkServers.Slug.Text);
        var others = new List<Writer>();
        var (ours, strangers) = (0, 0);
        try
        {
            foreach (var slug in await SlugsOfOthersAsync())
                others.Add(await OpenAsync(slug));
            for (var turn = 0; ours + strangers < count; turn++)
                if (ours * OneOf < ours + strangers)
                    ours += (await tenant.WriteAsync(count)).Count;
                else
                    strangers += (await others[turn % others.Count].WriteAsync(count)).Count;
        }
        finally
        {
            foreach (var other in others)
                await other.DisposeAsync();
        }
        return (ours, strangers);
    }

    async Task<IReadOnlyList<string>> SlugsOfOthersAsync()
    {
        await using var connection = new NpgsqlConnection(servers.Shared.ConnectionString(database));
        return (
            await connection.QueryAsync<string>(
                "SELECT slug FROM tenants WHERE slug <> @Text ORDER BY slug",
                new { BenchmarkServers.Slug.Text }
            )
        ).AsList();
    }

    async Task<Writer> OpenAsync(string slug)
    {
        var builder = new NpgsqlConnectionStringBuilder(servers.Shared.ConnectionString(database))
        {
            Pooling = false,
            Options = "-c session_replication_role=replica",
        };
        var connection = new NpgsqlConnection(builder.ConnectionString);
        await connection.OpenAsync();
        var tenant = await connection.ExecuteScalarAsync<Guid>(
            "SELECT id FROM tenants WHERE slug = @slug",
            new { slug }
        );
        await connection.ExecuteAsync($"SET app.current_tenant_id = '{tenant}'");
        return new(connection, await StatementsAsync(connection, tenant));
    }

    async Task<ApplyStatements> StatementsAsync(NpgsqlConnection connection, Guid tenant)
    {
        async Task<IReadOnlyList<Guid>> IdsAsync(string sql) =>
            (await connection.QueryAsync<Guid>(sql + " ORDER BY 1", new { tenant })).AsList();
        return new(
            ++seed,
            tenant,
            await IdsAsync("SELECT id FROM projects WHERE tenant_id = @tenant"),
            await IdsAsync("SELECT id FROM tasks WHERE tenant_id = @tenant"),
            await IdsAsync("SELECT c.id FROM comments c JOIN tasks k ON k.id = c.task_id WHERE k.tenant_id = @tenant"),
            new(
                await connection.QueryAsync<(Guid, string)>(
                    "SELECT id, created_at::text FROM agent_events WHERE tenant_id = @tenant ORDER BY id",
                    new { tenant }
                )
            )
        );
    }

    sealed class Writer(NpgsqlConnection connection, ApplyStatements statements) : IAsyncDisposable
    {
        /// <summary>Writes a transaction of at most so many changes.</summary>
        public async Task<IReadOnlyList<string>> WriteAsync(int most)
        {
            var transaction = statements.Transaction(most);
            // Without a BEGIN a batch is one transaction.
            await using var batch = new NpgsqlBatch(connection);
            foreach (var statement in transaction)
                batch.BatchCommands.Add(new(statement));
            return await batch.ExecuteNonQueryAsync() == transaction.Count
                ? transaction
                : throw new InvalidOperationException("A statement did not change one row.");
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
