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
        var promotion = SlowAsync(move, stop.Token);
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
        await UntilAsync(promotion, () => Waits(move.Shared, "tenant_promotion.progress"));
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

    [Fact]
    public async Task Another_terminal_pauses_a_run_and_changes_its_limits()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await RefusedAsync(move, "pause", "there is none");
        // At this rate the copy would take hours.
        var promotion = await CopyingAsync(move, move.Options() with { MaxRate = 1 });

        var paused = await InjectedFault.RunAsync(move, 0, "pause", $"--tenant-slug={move.Slug}");
        Assert.Equal(PromotionState.Copying, (string)paused["promotion"]!["state"]!);
        Assert.True(move.Watched.HasWarned("has paused the run"));
        Assert.True((bool)paused["load"]!["paused"]!);
        Assert.Equal(1, (long)paused["load"]!["max_rate"]!);
        var tuned = await InjectedFault.RunAsync(
            move,
            0,
            "tune",
            $"--tenant-slug={move.Slug}",
            "--max-rate=0",
            "--max-active-sessions=1000"
        );
        Assert.True((bool)tuned["load"]!["paused"]!);
        Assert.Equal(0, (long)tuned["load"]!["max_rate"]!);
        Assert.Null(tuned["load"]!["max_replica_lag"]);
        var (_, shown, _) = await InjectedFault.SayAsync(move, "status", $"--tenant-slug={move.Slug}");
        Assert.Matches($"limits +paused, waits above 1000 active sessions .changed by {Environment.UserName}", shown);
        await Waiting.UntilAsync(async () =>
        {
            var still = await InjectedFault.RunAsync(move, 0, "status", $"--tenant-slug={move.Slug}");
            Assert.Equal(PromotionState.Copying, (string)still["promotion"]!["state"]!);
            Assert.Null(
                still["promotion"]!["phases"]!
                    .AsArray()
                    .Single(phase => (string)phase!["name"]! == PhaseName.CopyData)!["seconds"]
            );
            return ((string?)still["progress"]?["waits_for"])?.Contains("migrator resume", StringComparison.Ordinal)
                == true;
        });

        await InjectedFault.RunAsync(move, 0, "resume", $"--tenant-slug={move.Slug}");
        await promotion;
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_run_that_was_paused_by_a_terminal_that_is_gone_goes_on_from_another()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        var promotion = await CopyingAsync(move, move.Options() with { MaxRate = 1 });
        await using (var shared = await move.Shared.OpenAsync())
        {
            // It died as soon as it had said so.
            var record = (await JournalReader.FindAsync(shared, $"{TenantMove.Acme}", default))!;
            await GovernorJournal.ChangeAsync(shared, record.Id, "gone", true, (0, null, null), default);
        }
        await UntilAsync(promotion, () => Task.FromResult(move.Watched.HasWarned("gone has paused the run")));

        await InjectedFault.RunAsync(move, 0, "resume", $"--tenant-slug={move.Slug}");
        await promotion;
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_fenced_promotion_is_tuned_and_not_paused()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        move.Mode = PromotionOptions.Fenced;
        var promotion = await CopyingAsync(move, move.Options() with { MaxRate = 1 });

        await RefusedAsync(move, "pause", "writes");

        await InjectedFault.RunAsync(move, 0, "tune", $"--tenant-slug={move.Slug}", "--max-rate=0");
        await promotion;
        Assert.True(await move.IsIsolatedAsync());
    }

    [Fact]
    public async Task A_pause_ends_a_comparison_and_its_snapshot_and_the_run_begins_it_again()
    {
        const string Lock = "BEGIN; LOCK TABLE labels IN ACCESS EXCLUSIVE MODE";
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        NpgsqlConnection? holding = null;
        var promotion = Task.Run(() =>
            move.PromoteAsync(
                move.Options(),
                phase =>
                {
                    if (phase != PhaseName.Verify || holding is not null)
                        return;
                    holding = move.Isolated.OpenAsync().GetAwaiter().GetResult();
                    holding.Execute(Lock);
                }
            )
        );
        await UntilAsync(promotion, async () => holding is not null && await Waits(move.Isolated, "labels"));
        // What asks for the table before the comparison goes on, and somebody else is the next in the queue.
        while (!await HasSnapshotAsync())
        {
            var next = await move.Isolated.OpenAsync();
            var locked = next.ExecuteAsync(Lock);
            await Waiting.UntilAsync(
                move.Isolated,
                $"SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {next.ProcessID} AND NOT granted)"
            );
            await holding!.DisposeAsync();
            await locked;
            holding = next;
            await UntilAsync(promotion, () => Waits(move.Isolated, "labels"));
        }

        await InjectedFault.RunAsync(move, 0, "pause", $"--tenant-slug={move.Slug}");
        await UntilAsync(promotion, async () => !await Waits(move.Isolated, "labels") && !await HasSnapshotAsync());
        await holding!.DisposeAsync();
        Assert.False(promotion.IsCompleted);

        await InjectedFault.RunAsync(move, 0, "resume", $"--tenant-slug={move.Slug}");
        await promotion;
        await move.MustBeIsolatedAsync();

        Task<bool> HasSnapshotAsync() =>
            move.Shared.ScalarAsync<bool>(
                """
                SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'tp/%'
                    AND datname = current_database() AND backend_xmin IS NOT NULL AND state LIKE 'idle%')
                """,
                role: EmbeddedCluster.Superuser
            );
    }

    [Fact]
    public async Task A_pause_is_for_one_process()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        using var stop = new CancellationTokenSource();
        var first = SlowAsync(move, stop.Token);
        await UntilAsync(first, () => Task.FromResult(move.Watched.Phases.Contains(PhaseName.CopyData)));
        await InjectedFault.RunAsync(move, 0, "pause", $"--tenant-slug={move.Slug}");
        await stop.CancelAsync();
        await Assert.ThrowsAsync<MigratorException>(() => first);

        await move.PromoteAsync();
        await move.MustBeIsolatedAsync();
    }

    // At this rate the copy would take days.
    static Task SlowAsync(TenantMove move, CancellationToken stop) =>
        TenantMove.WithPromotionAsync(
            move.Settings,
            move.Parsed,
            move.Options() with
            {
                MaxRate = 1,
            },
            move.Watched = new(null),
            promotion => promotion.PromoteAsync(stop)
        );

    static async Task<Task> CopyingAsync(TenantMove move, PromotionOptions options)
    {
        var promotion = Task.Run(() => move.PromoteAsync(options));
        await UntilAsync(promotion, () => Task.FromResult(move.Watched.Phases.Contains(PhaseName.CopyData)));
        return promotion;
    }

    static Task UntilAsync(Task promotion, Func<Task<bool>> condition) =>
        Waiting.UntilAsync(async () =>
        {
            if (promotion.IsCompleted)
                await promotion;
            return await condition();
        });

    static Task<bool> Waits(TestDatabase database, string table) =>
        database.ScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                WHERE NOT l.granted AND l.relation = to_regclass(@table) AND a.application_name LIKE 'tp/%')
            """,
            new { table },
            EmbeddedCluster.Superuser
        );

    static async Task RefusedAsync(TenantMove move, string verb, string why)
    {
        var (code, _, error) = await InjectedFault.SayAsync(move, verb, $"--tenant-slug={move.Slug}");
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains(why, error, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", error, StringComparison.Ordinal);
    }
}
