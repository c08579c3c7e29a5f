using System.Text.Json.Nodes;
using Migrator.Hooks;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Hooks;

/// <summary>Others are told what happens, and no promotion waits for them.</summary>
public sealed class HooksTests(Servers servers)
{
    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_program_is_told_all_that_happens_once_and_in_its_order(string mode)
    {
        await using var stage = await HookStage.CreateAsync(
            servers,
            stage => [new("all", HookEvent.All) { Run = [stage.Program("all"), "a b", "$HOME;'"] }]
        );
        stage.Move.Mode = mode;

        await stage.Move.PromoteAsync();
        await stage.Move.RollBackAsync();
        await stage.Move.PromoteAsync();
        await stage.Move.FinalizeAsync();

        string[] there = ["copied", "verified", "flipped", "validated"];
        var told = stage.Events("all").ToArray();
        // A question does not wait for what is on its way.
        Assert.Equal([.. there, "rolled-back", .. there, "finalized"], told.Where(one => one != "before-cutover"));
        Assert.Equal(2, told.Count(one => one == "before-cutover"));
        Assert.Equal(12, stage.Told("all").Select(one => (string)one["id"]!).Distinct().Count());

        var flipped = stage.Told("all").First(one => (string)one["event"]! == "flipped");
        Assert.Equal(1, (int)flipped["version"]!);
        Assert.Equal(stage.Move.Slug, (string)flipped["tenant"]!["slug"]!);
        Assert.Equal("1", (string)flipped["tenant"]!["id"]!);
        Assert.Equal("isolated", (string)flipped["state"]!);
        Assert.Equal(mode, (string)flipped["mode"]!);
        Assert.Equal(stage.Move.TargetName, (string)flipped["target"]!["database"]!);
        Assert.True((double)flipped["pause_ms"]! > 0);
        Assert.Null(flipped["reason"]);
        Assert.Contains($"HOOK_TENANT_SLUG={stage.Move.Slug}\n", stage.Environment("all"));
        Assert.DoesNotContain(stage.Move.Watched.Warnings, said => said.Contains("Hook", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_no_keeps_the_tenant_where_it_is_and_is_told_on_one_line()
    {
        await using var stage = await HookStage.CreateAsync(
            servers,
            stage =>
                [
                    new("freeze", [HookEvent.BeforeCutover, HookEvent.Failed])
                    {
                        Run = [stage.Program("freeze", $"test -e {stage.At("yes")} && exit 0; {Rubbish}; exit 3")],
                    },
                ]
        );

        var refused = await Assert.ThrowsAsync<MigratorException>(() => stage.Move.PromoteAsync());

        Assert.Equal(ExitCode.Failed, refused.Code);
        Assert.StartsWith(
            $"Hook 'freeze' does not allow the cutover of '{stage.Move.Slug}': it ended with exit code 3: no ::error",
            refused.Message
        );
        Assert.DoesNotContain(refused.Message, char.IsControl);
        Assert.Equal("open", await stage.Move.GuardAsync());
        Assert.False(await stage.Move.IsIsolatedAsync());
        await stage.Move.Shared.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (1, 'still at home')");
        Assert.Contains("failed", stage.Events("freeze"));

        await File.WriteAllTextAsync(stage.At("yes"), "", TestContext.Current.CancellationToken);
        await stage.Move.PromoteAsync();
        await stage.Move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_no_leads_back_to_the_hold_until_the_hook_says_yes()
    {
        await using var stage = await HookStage.CreateAsync(
            servers,
            stage =>
                [
                    new("freeze", [HookEvent.BeforeCutover, HookEvent.Holding])
                    {
                        Run =
                        [
                            stage.Program(
                                "freeze",
                                $"test $HOOK_EVENT = holding -o -e {stage.At("yes")} && exit 0; echo frozen; exit 1"
                            ),
                        ],
                    },
                ]
        );
        var move = stage.Move;
        var promotion = Task.Run(() => move.PromoteAsync(move.Options() with { Hold = new() }));
        await UntilAsync(promotion, () => stage.Events("freeze").Contains("holding"));
        await LetGoAsync(move);
        await UntilAsync(promotion, () => stage.Events("freeze").Count(one => one == "holding") == 2);

        Assert.Contains("frozen", (string)stage.Told("freeze")[^1]["reason"]!);
        Assert.Equal("open", await move.GuardAsync());
        Assert.False(await move.IsIsolatedAsync());

        await File.WriteAllTextAsync(stage.At("yes"), "", TestContext.Current.CancellationToken);
        await LetGoAsync(move);
        await promotion;
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_hook_that_hangs_delays_nothing_and_is_told_until_it_is_mended()
    {
        await using var stage = await HookStage.CreateAsync(
            servers,
            stage =>
                [
                    new("slow", [HookEvent.Flipped])
                    {
                        Run = [stage.Program("slow", $"test -e {stage.At("mended")} || sleep 300")],
                        Timeout = TimeSpan.FromMilliseconds(300),
                    },
                    new("quick", [HookEvent.Flipped, HookEvent.Validated]) { Run = [stage.Program("quick")] },
                ]
        );
        var settings = stage.Settings(
            $$"""{ "name": "slow", "on": ["flipped"], "run": ["{{stage.At("slow")}}"], "timeout": "2s" }"""
        );

        await stage.Move.PromoteAsync();

        await stage.Move.MustBeIsolatedAsync();
        Assert.True(stage.Move.Watched.HasWarned("Hook 'slow' has not taken 'flipped': it did not end within 0.3 s"));
        Assert.Equal(["flipped", "validated"], stage.Events("quick"));
        Assert.All(stage.Told("slow"), one => Assert.Equal(stage.Told("slow")[0].ToString(), one.ToString()));
        var (code, output, _) = await stage.SayAsync(settings, "status");
        Assert.Equal(0, code);
        Assert.Contains("Hook 'slow' has not taken flipped: it did not end within 0.3 s and was stopped", output);

        await File.WriteAllTextAsync(stage.At("mended"), "", TestContext.Current.CancellationToken);
        (code, output, var error) = await stage.SayAsync(settings, "hooks", "--json");
        Assert.True(code == 0, error);
        var hooks = JsonNode.Parse(output)!["hooks"]!.AsArray();
        Assert.All(hooks, one => Assert.NotNull(one!["delivered_at"]));
        Assert.Equal(["slow", "quick", "quick"], hooks.Select(one => (string)one!["hook"]!));
    }

    [Fact]
    public async Task What_a_killed_run_had_in_its_hands_is_delivered_by_the_next_under_the_same_key()
    {
        await using var stage = await HookStage.CreateAsync(
            servers,
            stage => [new("all", HookEvent.All) { Run = [stage.Program("all")] }]
        );
        var hangs = stage.Program("hangs", "sleep 300");
        var settings = stage.Settings(
            $$"""{ "name": "all", "on": ["copied"], "run": ["{{hangs}}"], "timeout": "60s" }"""
        );
        await using (var first = stage.Move.Start("promote", "--hold", "--settings", settings))
        {
            await first.MustReachAsync("started hold");
            await Waiting.UntilAsync(() => stage.Events("hangs").Any());
            first.Kill();
        }
        await Waiting.UntilSessionsEndAsync(stage.Move.Shared, stage.Move.Slug);

        await stage.Move.RollBackAsync();

        Assert.Equal(["copied", "rolled-back"], stage.Events("all"));
        Assert.Equal((string)stage.Told("hangs")[0]["id"]!, (string)stage.Told("all")[0]["id"]!);
    }

    [Fact]
    public async Task A_standstill_is_told_once()
    {
        await using var stage = await HookStage.CreateAsync(
            servers,
            stage =>
                [
                    new("pager", [HookEvent.Stalled])
                    {
                        Run = [stage.Program("pager")],
                        StalledAfter = TimeSpan.FromSeconds(1),
                    },
                ]
        );
        await using var holding = await stage.Move.Shared.OpenAsync();
        // A slot is made when every transaction that writes has ended.
        await using var transaction = await holding.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await Dapper.SqlMapper.ExecuteAsync(holding, "UPDATE notes SET body = 'y' WHERE tenant_id = 2");
        var promotion = Task.Run(() => stage.Move.PromoteAsync());
        await UntilAsync(promotion, () => stage.Events("pager").Any());
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await promotion;

        Assert.Equal(
            1,
            await stage.Move.Shared.ScalarAsync<long>(
                "SELECT count(*) FROM tenant_promotion.outbox WHERE payload ->> 'state' = 'preparing'"
            )
        );
    }

    [Fact]
    public async Task A_promotion_does_not_begin_with_a_hook_that_cannot_be_called()
    {
        await using var stage = await HookStage.CreateAsync(
            servers,
            stage =>
                [
                    new("gone", [HookEvent.Flipped]) { Run = [stage.At("gone")] },
                    new("plain", [HookEvent.Flipped]) { Run = [stage.Program("plain")] },
                    new("post", [HookEvent.Flipped]) { Url = new("https://localhost"), Secret = "NO_SUCH_SECRET" },
                ]
        );
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(stage.At("plain"), UnixFileMode.UserRead);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => stage.Move.PromoteAsync());

        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.Contains("Hook 'gone' cannot run: there is no program", refused.Message);
        Assert.Contains("Hook 'plain' cannot run", refused.Message);
        Assert.Contains("NO_SUCH_SECRET is not set", refused.Message);
        Assert.False(await TenantMove.HasOwnSchemaAsync(stage.Move.Shared));
    }

    [Theory]
    [InlineData("echo hello", "Exec format error")]
    [InlineData("#!/bin/sh\r\nexit 0", "No such file or directory")]
    public async Task A_script_that_does_not_start_is_told_with_what_is_missing(string script, string why)
    {
        await using var stage = await HookStage.CreateAsync(servers, _ => []);
        var file = stage.Program("script");
        await File.WriteAllTextAsync(file, script, TestContext.Current.CancellationToken);

        var answer = await HookCall.RunAsync(
            new("script", [HookEvent.Flipped]) { Run = [file] },
            new(Guid.NewGuid(), HookEvent.Flipped, "acme", "1", 1, "{}"),
            TestContext.Current.CancellationToken
        );

        Assert.Equal((false, false), (answer.IsTaken, answer.IsRefused));
        Assert.StartsWith($"{file} did not start: {why} (a script names its interpreter", answer.Why);
    }

    // What CI would read as a command, a bell, and more than anybody reads.
    const string Rubbish = """printf 'no\n::error file=x::\007\033[31m'; head -c 100000 /dev/zero""";

    static Task LetGoAsync(TenantMove move) =>
        move.Shared.ExecuteAsync("UPDATE tenant_promotion.hold SET go_at = now(), go_by = 'a test'");

    static Task UntilAsync(Task promotion, Func<bool> condition) =>
        Waiting.UntilAsync(async () =>
        {
            if (promotion.IsCompleted)
                await promotion;
            return condition();
        });
}
