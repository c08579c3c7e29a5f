using System.Text.Json.Nodes;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>Everything but the flip, measured, and then undone.</summary>
public sealed class RehearsalTests(Servers servers)
{
    [Fact]
    public async Task A_rehearsal_measures_pauses_refuses_no_write_and_leaves_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        var report = Path.Combine(Path.GetDirectoryName(move.RoutingFile)!, "rehearsal.md");

        var told = await RehearseAsync(move, "--report", report);

        await writer.StopAsync();
        Assert.Equal(0, writer.TurnedAway);
        Assert.Empty(writer.Errors);
        var rehearsal = told["rehearsal"]!;
        var pauses = rehearsal["pauses"]!.AsArray().Select(pause => (double)pause!).ToArray();
        Assert.Equal(20, pauses.Length);
        Assert.All(pauses, pause => Assert.True(pause > 0));
        Assert.Equal(pauses.Max(), (double)rehearsal["pause_max_ms"]!);
        Assert.True((double)rehearsal["pause_median_ms"]! >= pauses.Min());
        string[] parts = [.. rehearsal["parts"]!.AsArray().Select(part => (string)part!["part"]!)];
        Assert.Superset(new HashSet<string>(["close", "changes", "compare", "mark", "flip"]), parts.ToHashSet());
        Assert.Equal("close", parts[0]);
        Assert.True((long)rehearsal["rows"]! > 0);
        Assert.True((long)rehearsal["isolated_bytes"]! > 1_000_000);
        string[] phases = [.. rehearsal["phases"]!.AsArray().Select(phase => (string)phase!["name"]!)];
        Assert.Equal((PhaseName.Preflight, PhaseName.Verify), (phases[0], phases[^1]));
        Assert.Contains(PhaseName.CopyData, phases);
        // What comes next is the real one.
        var next = told["next_steps"]!.AsArray().Select(step => (string)step!).ToArray();
        Assert.Contains(next, step => step.StartsWith("migrator promote", StringComparison.Ordinal));
        Assert.All(next, step => Assert.DoesNotContain("--rehearse", step, StringComparison.Ordinal));
        Assert.Contains("20 rehearsed pauses", await File.ReadAllTextAsync(report), StringComparison.Ordinal);

        await move.MustBeHomeAsync();
        Assert.False(await move.IsolatedExistsAsync());
        Assert.Equal(PromotionState.Shared, (string)told["promotion"]!["state"]!);
        Assert.Null(await move.GuardAsync());

        // The real one tells how it compares.
        await InjectedFault.RunAsync(move, 0, "promote", $"--tenant-slug={move.Slug}", "--confirm", "--report", report);
        await move.MustBeIsolatedAsync();
        Assert.Matches("no longer than a rehearsed one|longer than the longest", await File.ReadAllTextAsync(report));
    }

    [Fact]
    public async Task A_rehearsal_that_is_kept_holds_and_goes_on_as_the_real_one()
    {
        var settings = new Dictionary<string, string>(EmbeddedCluster.FastSettings)
        {
            ["max_slot_wal_keep_size"] = "1GB",
        };
        await using var server = await EmbeddedCluster.StartAsync(
            await PostgresBinaries.FindOrInstallAsync(),
            settings
        );
        await Servers.CreateRolesAsync(server);
        await using var move = await FaultsWriter.MoveOnAsync(server, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);

        var told = await RehearseAsync(move, "--keep");
        Assert.Equal(PromotionState.Holding, (string)told["promotion"]!["state"]!);
        Assert.Equal(20, told["rehearsal"]!["pauses"]!.AsArray().Count);
        await RefusedAsync(move);

        await InjectedFault.RunAsync(move, 0, "cutover", $"--tenant-slug={move.Slug}", "--confirm");
        await writer.StopAsync();
        await move.MustBeIsolatedAsync();
        await RefusedAsync(move);
    }

    [Fact]
    [Trait(Soak.Category, Soak.Name)]
    public async Task A_rehearsal_that_was_interrupted_is_undone_by_the_next_and_not_once_somebody_promotes()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        var (code, _, error) = await InjectedFault.SayAsync(move, Rehearsal(move, "--keep"));
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains("leave --keep out", error, StringComparison.Ordinal);

        await StopAsync(move, rehearses: true);
        await RehearseAsync(move);
        await move.MustBeHomeAsync();
        Assert.False(await move.IsolatedExistsAsync());

        await StopAsync(move, rehearses: true);
        await StopAsync(move, rehearses: false);
        await RefusedAsync(move);
        await move.PromoteAsync();
        await move.MustBeIsolatedAsync();
    }

    [Theory]
    [SoakData(false)]
    [InlineData(true)]
    public async Task A_rehearsal_that_finds_a_difference_names_it_and_leaves_nothing(bool isUsed)
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.Verify,
                async () =>
                {
                    await move.MeddleAsync("UPDATE tasks SET title = 'planted' WHERE id = 4");
                    // The session that wrote stands in the way of the undo.
                    if (!isUsed)
                        await EndSessionsAsync();
                },
                move.Options() with
                {
                    Rehearses = true,
                }
            )
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.tasks: id=4", failure.Message, StringComparison.Ordinal);
        Assert.True(move.Watched.HasWarned(isUsed ? "not all that it has made is undone" : "All that it has made"));
        if (isUsed)
        {
            await EndSessionsAsync();
            await move.RollBackAsync();
        }
        await move.MustBeHomeAsync();
        Assert.False(await move.IsolatedExistsAsync());

        Task EndSessionsAsync() =>
            new TestDatabase(move.Server, "postgres", EmbeddedCluster.Superuser).QueryAsync<bool>(
                """
                SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                WHERE datname = @TargetName AND application_name NOT LIKE 'tp/%'
                """,
                new { move.TargetName },
                EmbeddedCluster.Superuser
            );
    }

    // A person presses Ctrl-C before the rows are compared.
    static async Task StopAsync(TenantMove move, bool rehearses)
    {
        using var stop = new CancellationTokenSource();
        var stopped = await Assert.ThrowsAsync<MigratorException>(() =>
            TenantMove.WithPromotionAsync(
                move.Settings,
                move.Parsed,
                move.Options() with
                {
                    Rehearses = rehearses,
                },
                new WatchingProgress(phase =>
                {
                    if (phase == PhaseName.Verify)
                        stop.Cancel();
                }),
                promotion => promotion.PromoteAsync(stop.Token)
            )
        );
        Assert.Equal(ExitCode.Interrupted, stopped.Code);
    }

    static Task<JsonObject> RehearseAsync(TenantMove move, params string[] more) =>
        InjectedFault.RunAsync(move, 0, Rehearsal(move, more));

    static string[] Rehearsal(TenantMove move, params string[] more) =>
        ["promote", $"--tenant-slug={move.Slug}", "--confirm", "--rehearse", .. more];

    static async Task RefusedAsync(TenantMove move)
    {
        var (code, _, error) = await InjectedFault.SayAsync(move, Rehearsal(move));
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains("Nothing was changed", error, StringComparison.Ordinal);
    }
}
