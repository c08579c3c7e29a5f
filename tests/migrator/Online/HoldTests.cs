using Dapper;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>A promotion that holds before its cutover until somebody lets it go.</summary>
public sealed class HoldTests(Servers servers)
{
    [Fact]
    public async Task A_held_tenant_works_on_until_another_terminal_lets_it_go()
    {
        await using var move = await CreateAsync();
        await using var writer = FaultsWriter.Start(move);
        var promotion = Hold(move);
        await UntilHeldAsync(move, promotion, "state ->> 'PauseToMs' IS NOT NULL");
        await writer.ResumeAsync();

        var status = await InjectedFault.RunAsync(move, 0, "status", $"--tenant-slug={move.Slug}");
        Assert.Equal("holding", (string)status["promotion"]!["state"]!);
        Assert.True((double)status["hold"]!["pause_to_ms"]! >= (double)status["hold"]!["pause_from_ms"]!);
        Assert.StartsWith("migrator cutover", (string)status["next_steps"]![0]!, StringComparison.Ordinal);

        await InjectedFault.RunAsync(move, 0, "cutover", $"--tenant-slug={move.Slug}", "--confirm");
        await promotion;

        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        await move.MustBeIsolatedAsync();
        await RefusedAsync(move, "in state 'isolated'");
    }

    [Fact]
    public async Task A_cutover_can_be_taken_back_until_the_flip_and_not_later()
    {
        await using var move = await CreateAsync();
        var promotion = Hold(move);
        await UntilHeldAsync(move, promotion, "true");
        await using var holding = await move.Shared.OpenAsync();
        var transaction = await holding.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await holding.ExecuteAsync("UPDATE labels SET label = 'held' WHERE id = 2");
        var cutover = InjectedFault.SayAsync(move, "cutover", $"--tenant-slug={move.Slug}", "--confirm");
        // The close is under way, and waits for the transaction.
        await Waiting.UntilAsync(
            move.Shared,
            """
            SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                WHERE NOT l.granted AND l.mode = 'ExclusiveLock' AND c.relname LIKE '%\_gate')
            """
        );

        var (code, _, error) = await CancelAsync(move);
        Assert.True(code == 0, error);
        await transaction.CommitAsync(TestContext.Current.CancellationToken);

        var asked = await cutover;
        Assert.Equal((int)ExitCode.Failed, asked.ExitCode);
        Assert.Contains("taken back", asked.Error, StringComparison.Ordinal);
        await UntilHeldAsync(move, promotion, "go_at IS NULL");
        Assert.Equal("open", await move.GuardAsync());
        Assert.False(await move.IsIsolatedAsync());

        await InjectedFault.RunAsync(move, 0, "cutover", $"--tenant-slug={move.Slug}", "--confirm");
        await promotion;
        (code, _, error) = await CancelAsync(move);
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains("Nothing was changed", error, StringComparison.Ordinal);
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task An_attempt_that_fails_leads_back_to_the_hold_with_its_reason()
    {
        await using var move = await CreateAsync();
        var promotion = Hold(move, maxPause: TimeSpan.FromMilliseconds(300));
        await UntilHeldAsync(move, promotion, "true");
        await using (var holding = await move.Shared.OpenAsync())
        {
            await using var transaction = await holding.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await holding.ExecuteAsync("UPDATE labels SET label = 'held' WHERE id = 2");

            var asked = await InjectedFault.SayAsync(move, "cutover", $"--tenant-slug={move.Slug}", "--confirm");

            Assert.Equal((int)ExitCode.Failed, asked.ExitCode);
            Assert.Contains($"process {holding.ProcessID} ", asked.Error, StringComparison.Ordinal);
            await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        }
        await UntilHeldAsync(move, promotion, "failure LIKE '%process%' AND go_at IS NULL");
        // The slot of the way back would keep the log of all that is still to come.
        Assert.Empty(await CrashedMove.SlotsAsync(move.Isolated));

        // Where processors are busy the guard may not close within so short a pause.
        await Waiting.UntilAsync(async () =>
        {
            await move.Shared.ExecuteAsync(
                "UPDATE tenant_promotion.hold SET go_at = now(), go_by = 'a test' WHERE go_at IS NULL"
            );
            return promotion.IsCompleted;
        });
        await promotion;
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task Rows_that_changes_touch_are_compared_while_it_holds()
    {
        await using var move = await CreateAsync();
        var promotion = Hold(move);
        await UntilHeldAsync(move, promotion, "true");
        await move.Isolated.ExecuteAsync(
            """
            CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN IF NEW.id = 8 THEN NEW.label := 'spoilt'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER spoil BEFORE INSERT OR UPDATE ON labels FOR EACH ROW EXECUTE FUNCTION spoil();
            ALTER TABLE labels ENABLE ALWAYS TRIGGER spoil;
            """
        );
        await move.Shared.ExecuteAsync(
            """
            UPDATE labels SET label = 'changed' WHERE id = 8;
            INSERT INTO labels (id, tenant_id, label) SELECT n, 1, 'many ' || n FROM generate_series(100001, 106000) n;
            """
        );

        var failure = await Assert.ThrowsAsync<MigratorException>(() => promotion);

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("labels", failure.Message, StringComparison.Ordinal);
        Assert.Equal("open", await move.GuardAsync());
    }

    [Fact]
    public async Task A_run_that_was_killed_goes_on_holding_and_does_not_cut_over_by_itself()
    {
        await using var move = await CreateAsync();
        await using (var first = move.Start("promote", "--hold"))
        {
            await first.MustReachAsync("started hold");
            await UntilHeldAsync(move, null, "true");
            first.Kill();
        }
        await Waiting.UntilSessionsEndAsync(move.Shared, move.Slug);
        // Asked of nobody: a later run must not find the request and cut over at an hour that nobody chose.
        await move.Shared.ExecuteAsync(
            "UPDATE tenant_promotion.hold SET go_at = now(), go_by = 'a test', since = now()"
        );
        await move.Shared.ExecuteAsync("UPDATE labels SET label = 'meanwhile' WHERE id = 4");

        var promotion = Task.Run(() => move.PromoteAsync(move.Options()));
        await UntilHeldAsync(move, promotion, "go_at IS NULL AND failure IS NOT NULL");
        Assert.False(await move.IsIsolatedAsync());
        await InjectedFault.RunAsync(move, 0, "cutover", $"--tenant-slug={move.Slug}", "--confirm");
        await promotion;

        Assert.Equal("meanwhile", await move.Isolated.ScalarAsync<string>("SELECT label FROM labels WHERE id = 4"));
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_hold_that_expires_gives_the_stream_up_and_one_that_cuts_over_does_that()
    {
        await using var move = await CreateAsync();
        var options = move.Options() with { Hold = new(For: TimeSpan.FromMilliseconds(1)) };

        var expired = await Assert.ThrowsAsync<StreamLostException>(() => move.PromoteAsync(options));

        Assert.Contains("--hold-for", expired.Message, StringComparison.Ordinal);
        Assert.Empty(await CrashedMove.SlotsAsync(move.Shared));
        Assert.Equal("open", await move.GuardAsync());
        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM tenant_promotion.hold"));

        options = options with { Hold = options.Hold! with { Expires = HoldOptions.Cutover } };
        await move.PromoteAsync(options);
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_time_that_has_come_lets_it_go_and_one_that_was_missed_does_not()
    {
        await using var move = await CreateAsync();
        var missed = DateTimeOffset.UtcNow - TimeSpan.FromHours(1);
        var promotion = Task.Run(() => move.PromoteAsync(move.Options() with { Hold = new(missed) }));
        await UntilHeldAsync(move, promotion, "state ->> 'PauseToMs' IS NOT NULL");
        var (_, output, _) = await InjectedFault.SayAsync(move, "status", $"--tenant-slug={move.Slug}");
        Assert.Contains("was missed", output, StringComparison.Ordinal);

        await move.Shared.ExecuteAsync("UPDATE tenant_promotion.hold SET cutover_at = now()");
        await WaitForAsync(move, promotion);
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task What_is_not_held_cannot_be_cut_over()
    {
        await using var move = await CreateAsync();
        await RefusedAsync(move, "no promotion of it is under way");
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        await RefusedAsync(move, "was not asked to hold");
        await move.RollBackAsync();
        await RefusedAsync(move, "no promotion of it is under way");
        await move.MustBeHomeAsync();
    }

    [Fact]
    public async Task What_only_a_rollback_answers_ends_the_hold_and_does_not_say_that_it_goes_on()
    {
        await using var move = await CreateAsync();
        var promotion = Hold(move);
        await UntilHeldAsync(move, promotion, "true");

        await move.Shared.ExecuteAsync("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC");

        var ended = await Assert.ThrowsAsync<MigratorException>(() => promotion);
        Assert.Contains("'migrator rollback", ended.Message, StringComparison.Ordinal);
        Assert.False(move.Watched.HasWarned("holds again"));
        Assert.Equal("open", await move.GuardAsync());
    }

    Task<TenantMove> CreateAsync() => TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);

    static Task Hold(TenantMove move, TimeSpan? maxPause = null) =>
        Task.Run(() => move.PromoteAsync(move.Options(maxPause: maxPause) with { Hold = new() }));

    static Task<(int ExitCode, string Output, string Error)> CancelAsync(TenantMove move) =>
        InjectedFault.SayAsync(move, "cutover", $"--tenant-slug={move.Slug}", "--cancel", "--confirm");

    static async Task RefusedAsync(TenantMove move, string why)
    {
        var (code, _, error) = await InjectedFault.SayAsync(move, "cutover", $"--tenant-slug={move.Slug}", "--confirm");
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains(why, error, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", error, StringComparison.Ordinal);
    }

    // Until the journal says that it holds, and the condition is true.
    static async Task UntilHeldAsync(TenantMove move, Task? promotion, string condition) =>
        await Waiting.UntilAsync(async () =>
        {
            if (promotion is { IsCompleted: true })
                await promotion;
            return await move.Shared.ScalarAsync<bool>("SELECT to_regclass('tenant_promotion.hold') IS NOT NULL")
                && await move.Shared.ScalarAsync<bool>(
                    $"""
                    SELECT EXISTS (
                        SELECT FROM tenant_promotion.hold
                        WHERE seen_at > since AND ({condition})
                          AND promotion_id IN (SELECT id FROM tenant_promotion.promotion WHERE promotion.state = 'holding'))
                    """
                );
        });

    static async Task WaitForAsync(TenantMove move, Task promotion)
    {
        await promotion;
        Assert.NotEmpty(move.Watched.Phases);
    }
}
