using Dapper;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>What another terminal sees of a run.</summary>
public sealed class WatchTests(Servers servers)
{
    [Fact]
    public async Task Another_terminal_sees_whom_a_run_waits_for_and_watches_until_the_run_ends()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var holding = await move.Shared.OpenAsync();
        var transaction = await holding.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await holding.ExecuteAsync("UPDATE labels SET label = 'held' WHERE id = 2");
        var promotion = Task.Run(() => move.PromoteAsync());

        // Installing the guard waits for the table's writers, a second at a time.
        var waits = $"process {await holding.ExecuteScalarAsync<int>("SELECT pg_backend_pid()")} ";
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
        await transaction.CommitAsync(TestContext.Current.CancellationToken);
        await promotion;

        var (code, output, error) = await watching;
        Assert.True(code == 0, error);
        Assert.Contains("phase guard", output, StringComparison.Ordinal);
        Assert.Contains($"migrator rollback --tenant-slug={move.Slug}", output, StringComparison.Ordinal);
        await move.MustBeIsolatedAsync();
    }
}
