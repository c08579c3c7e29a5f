using System.Diagnostics;
using System.Text;
using CliWrap;
using Dapper;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Streaming;
using Npgsql;
using Spectre.Console;

namespace Bench;

/// <summary>
/// How fast changes are applied that wait in the slot: a promotion stops before it catches up, the tenant changes rows,
/// and then nothing runs but the stream. Beside it psql with the same statements, against a copy of the isolated
/// database as it was.
/// </summary>
sealed class ApplyScenario(BenchmarkServers servers)
{
    const string Plain = "plain";

    public async Task RunAsync()
    {
        var database = await servers.SmallAsync();
        using var move = new Move(servers, database);
        await move.PromoteUntilAsync(PhaseName.CatchUp);
        await CopyIsolatedAsync(move);

        var transactions = await ChangesAsync(database);
        var count = transactions.Sum(transaction => transaction.Count);
        var seconds = await move.WithRunAsync(run => FollowAsync(run, count));
        var plain = await PsqlAsync(transactions);
        // Verification among the rest: it has to be right as well.
        await move.PromoteUntilAsync(PhaseName.CutOver);
        await move.RollBackAsync(dropIsolated: true);
        await servers.Dedicated.DropDatabaseAsync(Plain);

        Show(transactions.Count, count, seconds, plain);
    }

    // The stream and psql begin with the same rows.
    async Task CopyIsolatedAsync(Move move)
    {
        // The phase's own first step.
        await move.WithRunAsync(async run =>
        {
            await (await run.ArchiveAsync(CancellationToken.None)).RestoreAsync(
                [SchemaPart.PrimaryKeys],
                run.Databases,
                run.Options.Jobs,
                CancellationToken.None
            );
            return true;
        });
        await servers.Dedicated.DropDatabaseAsync(Plain);
        await BenchmarkServers
            .Tool(
                "psql",
                servers.Dedicated,
                "postgres",
                "-qXc",
                $"CREATE DATABASE {Plain} TEMPLATE {BenchmarkServers.Slug.DatabaseName}"
            )
            .ExecuteAsync();
    }

    static void Show(int transactions, int count, double seconds, double plain)
    {
        var table = new Table()
            .AddColumns(
                $"{count:N0} row changes in {transactions:N0} transactions",
                "seconds",
                "changes/s",
                "ratio to psql"
            )
            .RoundedBorder();
        table.AddRow("psql, the same statements one by one", $"{plain:0.00}", $"{count / plain:N0}", "1.00");
        table.AddRow("the change stream", $"{seconds:0.00}", $"{count / seconds:N0}", $"{seconds / plain:0.00}");
        AnsiConsole.Write(table);
        AnsiConsole.Write(
            new Table()
                .AddColumns("target", "wanted", "measured")
                .RoundedBorder()
                .AddRow("changes applied a second", "≥ 20,000", $"{count / seconds:N0}")
        );
    }

    static async Task<double> FollowAsync(PromotionRun run, int count)
    {
        var direction = StreamDirection.Forward(run.Stream);
        await using var source = await run.Databases.Shared.OpenConnectionAsync();
        var (mark, _) = await ReplicationSlot.EmitWatermarkAsync(source, CancellationToken.None);
        var watch = Stopwatch.StartNew();
        await using var feed = await ChangeFeed.OpenAsync(direction, TargetState.Mixed, CancellationToken.None);
        await feed.WaitForWatermarkAsync(mark, CancellationToken.None);
        var seconds = watch.Elapsed.TotalSeconds;
        return feed.Changes == count
            ? seconds
            : throw new InvalidOperationException(
                $"The stream had {feed.Changes} changes, and {count} rows were changed."
            );
    }

    /// <summary>
    /// Changes the tenant's rows in the shared database, and nothing besides: no trigger writes a log.
    /// </summary>
    /// <returns>The statements of each transaction; each changes one row.</returns>
    async Task<IReadOnlyList<IReadOnlyList<string>>> ChangesAsync(string database)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(servers.Shared.ConnectionString(database))
            {
                Pooling = false,
                Options = "-c session_replication_role=replica",
            }.ConnectionString
        );
        await connection.OpenAsync();
        var statements = await StatementsAsync(connection);
        var transactions = new List<IReadOnlyList<string>>();
        for (var left = (int)(servers.Rows / 10); left > 0; left -= transactions[^1].Count)
            transactions.Add(statements.Transaction(left));
        foreach (var transaction in transactions)
        {
            // Without a BEGIN a batch is one transaction.
            await using var batch = new NpgsqlBatch(connection);
            foreach (var statement in transaction)
                batch.BatchCommands.Add(new(statement));
            if (await batch.ExecuteNonQueryAsync() != transaction.Count)
                throw new InvalidOperationException("A statement did not change one row.");
        }
        return transactions;
    }

    static async Task<ApplyStatements> StatementsAsync(NpgsqlConnection connection)
    {
        var slug = new { BenchmarkServers.Slug.Text };
        async Task<IReadOnlyList<Guid>> IdsAsync(string sql) =>
            (await connection.QueryAsync<Guid>(sql + " ORDER BY 1", slug)).AsList();
        return new(
            await connection.ExecuteScalarAsync<Guid>("SELECT id FROM tenants WHERE slug = @Text", slug),
            await IdsAsync("SELECT p.id FROM projects p JOIN tenants t ON t.id = p.tenant_id WHERE t.slug = @Text"),
            await IdsAsync("SELECT k.id FROM tasks k JOIN tenants t ON t.id = k.tenant_id WHERE t.slug = @Text"),
            await IdsAsync(
                """
                SELECT c.id FROM comments c JOIN tasks k ON k.id = c.task_id JOIN tenants t ON t.id = k.tenant_id
                    WHERE t.slug = @Text
                """
            ),
            new(
                await connection.QueryAsync<(Guid, string)>(
                    """
                    SELECT e.id, e.created_at::text FROM agent_events e JOIN tenants t ON t.id = e.tenant_id
                        WHERE t.slug = @Text ORDER BY e.id
                    """,
                    slug
                )
            )
        );
    }

    async Task<double> PsqlAsync(IReadOnlyList<IReadOnlyList<string>> transactions)
    {
        var script = new StringBuilder();
        foreach (var transaction in transactions)
        {
            script.Append("BEGIN;\n");
            foreach (var statement in transaction)
                script.Append(statement).Append(";\n");
            script.Append("COMMIT;\n");
        }
        var psql =
            PipeSource.FromString(script.ToString())
            | BenchmarkServers.Tool("psql", servers.Dedicated, Plain, "-qX", "-v", "ON_ERROR_STOP=1");
        var watch = Stopwatch.StartNew();
        await psql.ExecuteAsync();
        return watch.Elapsed.TotalSeconds;
    }
}
