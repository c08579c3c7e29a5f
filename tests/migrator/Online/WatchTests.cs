using System.Text.Json.Nodes;
using Dapper;
using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Journal;
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
        await UntilAsync(
            promotion,
            async () =>
            {
                var status = await InjectedFault.RunAsync(move, 0, "status", $"--tenant-slug={move.Slug}");
                return (string?)status["progress"]?["phase"] == PhaseName.CopyData
                    && status["waits_for"]!
                        .AsArray()
                        .Any(line => ((string)line!).StartsWith(waits, StringComparison.Ordinal));
            }
        );
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

    [Fact]
    public async Task Another_terminal_sees_how_far_each_table_is()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        using var stop = new CancellationTokenSource();
        // At this rate the copy would take days.
        var promotion = TenantMove.WithPromotionAsync(
            move.Settings,
            move.Parsed,
            move.Options() with
            {
                MaxRate = 1,
            },
            move.Watched = new(null),
            promotion => promotion.PromoteAsync(stop.Token)
        );
        await UntilAsync(
            promotion,
            async () =>
                IsCopied(
                    (await InjectedFault.RunAsync(move, 0, "status", $"--tenant-slug={move.Slug}"))["progress"],
                    "public.tasks"
                ) && move.Watched.Said.Any(now => now is { Phase: PhaseName.CopyData, Done: > 0 })
        );
        var (_, shown, _) = await InjectedFault.SayAsync(move, "status", $"--tenant-slug={move.Slug}");
        Assert.Matches(@"progress +\d.* of about \d", shown);

        await stop.CancelAsync();
        await Assert.ThrowsAsync<MigratorException>(() => promotion);
        await move.PromoteAsync();
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_run_that_cannot_say_how_far_it_is_goes_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var holding = await move.Shared.OpenAsync();
        NpgsqlTransaction? transaction = null;
        using var locked = new ManualResetEventSlim();
        var promotion = Task.Run(() =>
            move.PromoteAsync(
                move.Options(),
                phase =>
                {
                    if (phase != PhaseName.CopyData || transaction is not null)
                        return;
                    transaction = holding.BeginTransaction();
                    // No stronger lock: it would have a transaction number, for which the stream waits.
                    holding.Execute("LOCK TABLE tenant_promotion.progress IN EXCLUSIVE MODE");
                    locked.Wait();
                }
            )
        );
        await UntilAsync(promotion, () => Waits(move, "tenant_promotion.progress"));
        locked.Set();
        await promotion;
        await transaction!.DisposeAsync();
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_run_that_was_overtaken_says_nothing_more()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        await using var databases = Databases.For(move.Settings, move.Parsed);
        await using var shared = await databases.Shared.OpenConnectionAsync();
        var promotion = (await JournalReader.FindAsync(shared, $"{TenantMove.Acme}", default))!;

        await SayAsync(promotion.Run);
        Assert.Equal(7, Assert.Single(await ProgressJournal.FindAsync(shared, promotion.Id, default)).State.Done);
        await SayAsync(promotion.Run - 1);
        Assert.Empty(await ProgressJournal.FindAsync(shared, promotion.Id, default));

        Task SayAsync(long run) =>
            ProgressJournal.WriteAsync(
                shared,
                (promotion.Id, run),
                [new("copy", "", DateTime.UtcNow, ProgressUnit.Bytes, 7, null, null, null, null)],
                begins: true,
                default
            );
    }

    static bool IsCopied(JsonNode? progress, string table) =>
        (string?)progress?["phase"] == PhaseName.CopyData
        && (string?)progress["unit"] == ProgressUnit.Bytes
        && (long?)progress["done"] > 0
        && (long?)progress["total"] >= (long?)progress["done"]
        && progress["tables"]!.AsArray().Any(one => (string?)one!["table"] == table && (long)one["done"]! > 0);

    static Task UntilAsync(Task promotion, Func<Task<bool>> condition) =>
        Waiting.UntilAsync(async () =>
        {
            if (promotion.IsCompleted)
                await promotion;
            return await condition();
        });

    static Task<bool> Waits(TenantMove move, string table) =>
        move.Shared.ScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                WHERE NOT l.granted AND l.relation = to_regclass(@table) AND a.application_name LIKE 'tp/%')
            """,
            new { table },
            EmbeddedCluster.Superuser
        );
}
