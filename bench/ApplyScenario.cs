using System.Diagnostics;
using System.Text;
using CliWrap;
using Migrator.Model;
using Migrator.Schema;
using Migrator.Streaming;
using Spectre.Console;

namespace Bench;

/// <summary>
/// How fast changes are applied that wait in the slot: a promotion stops before it catches up, the tenant changes rows,
/// and then nothing runs but the stream. Beside it psql with the same statements, against a copy of the isolated
/// database as it was.
/// </summary>
sealed class ApplyScenario(BenchmarkServers servers, Summary summary)
{
    const string Plain = "plain";

    public async Task RunAsync()
    {
        var database = await servers.ApplyAsync();
        using var move = new Move(servers, database);
        await move.PromoteUntilAsync(PhaseName.CatchUp);
        await CopyIsolatedAsync(move);

        var changes = new RowChanges(servers, database);
        var transactions = await changes.OfTheTenantAsync(servers.Changes);
        var (seconds, count) = await move.FollowAsync(TargetState.Mixed);
        if (count != servers.Changes)
            throw new InvalidOperationException($"The stream had {count} changes of {servers.Changes}.");
        var plain = await PsqlAsync(transactions);
        var (ours, strangers) = await changes.AmongStrangersAsync(servers.Changes);
        var (among, _) = await move.FollowAsync(TargetState.Mixed);
        // Verification among the rest: it has to be right as well.
        await move.PromoteUntilAsync(PhaseName.CutOver);
        await move.RollBackAsync(dropIsolated: true);
        await servers.Dedicated.DropDatabaseAsync(Plain);

        var table = new Table().AddColumns("", "changes", "seconds", "changes/s").RoundedBorder();
        void Add(string what, long changed, double took) =>
            table.AddRow(what, $"{changed:N0}", $"{took:0.00}", $"{changed / took:N0}");
        Add("psql, the same statements one by one", count, plain);
        Add("the change stream", count, seconds);
        Add($"the change stream, {ours:N0} of the tenant among other tenants'", ours + strangers, among);
        AnsiConsole.Write(table);
        summary.Add("changes applied", count / seconds, Wanted.AtLeast(40_000), "/s");
        summary.Add("against psql, statement by statement", seconds / plain, null);
        summary.Add(
            "a change of another tenant against one of the tenant's",
            (among - ours * seconds / count) / strangers / (seconds / count),
            Wanted.AtMost(0.1)
        );
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
        // The tenant has not arrived here, and writes are refused until then.
        await BenchmarkServers
            .Tool("psql", servers.Dedicated, Plain, "-qXc", "DROP SCHEMA tenant_promotion CASCADE")
            .ExecuteAsync();
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
