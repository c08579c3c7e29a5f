using Dapper;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>What another terminal sees of a run.</summary>
public sealed class WatchTests(Servers servers)
{
    [Fact]
    public async Task Another_terminal_sees_whom_a_run_waits_for_and_watches_until_the_run_ends()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var holding = await move.Shared.OpenAsync();
        NpgsqlTransaction? transaction = null;
        var promotion = Task.Run(() =>
            move.PromoteAsync(
                move.Options(validate: true),
                phase =>
                {
                    if (phase != PhaseName.CopyData || transaction is not null)
                        return;
                    transaction = holding.BeginTransaction();
                    holding.Execute("LOCK TABLE labels IN ACCESS EXCLUSIVE MODE");
                }
            )
        );

        var waits = $"process {holding.ProcessID} ";
        await Waiting.UntilAsync(async () =>
        {
            if (promotion.IsCompleted)
                await promotion;
            var status = await InjectedFault.RunAsync(move, 0, "status", $"--tenant-slug={move.Slug}");
            return status["waits_for"]!
                .AsArray()
                .Any(line => ((string)line!).StartsWith(waits, StringComparison.Ordinal));
        });
        var watching = InjectedFault.SayAsync(move, "status", $"--tenant-slug={move.Slug}", "--watch");
        // The watch has looked once: whom a run waits for is a question that no run asks.
        await Waiting.UntilAsync(
            move.Shared,
            """
            SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle' AND query LIKE '%pg_blocking_pids(a.pid)%')
            """
        );
        await transaction!.CommitAsync(TestContext.Current.CancellationToken);
        await promotion;

        var (code, output, error) = await watching;
        Assert.True(code == 0, error);
        Assert.Contains($"phase {PhaseName.CopyData}", output, StringComparison.Ordinal);
        Assert.Contains($"migrator rollback --tenant-slug={move.Slug}", output, StringComparison.Ordinal);
        await move.MustBeIsolatedAsync();
    }
}
