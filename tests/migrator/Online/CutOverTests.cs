using Dapper;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>A cutover that is not allowed to happen yet: the tenant goes on, and it is tried again.</summary>
public sealed class CutOverTests(Servers servers)
{
    [Fact]
    public async Task A_cutover_that_a_long_transaction_holds_up_is_tried_again_and_succeeds_when_it_ends()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        var holding = await move.Shared.OpenAsync();

        var promotion = Promote(
            move,
            TimeSpan.FromSeconds(3),
            holding,
            """
            UPDATE labels SET label = 'held' WHERE id = 1 AND tenant_id = 2;
            UPDATE labels SET label = 'held' WHERE tenant_id = 1 AND id = 2
            """
        );
        await UntilWarnedAsync(move, promotion);
        Assert.True(move.Watched.HasWarned($"process {holding.ProcessID} "));
        await writer.ResumeAsync();
        await holding.ExecuteAsync("COMMIT");
        await promotion;

        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        Assert.Equal("held", await move.Isolated.ScalarAsync<string>("SELECT label FROM labels WHERE id = 2"));
        await move.MustBeIsolatedAsync();
        await holding.DisposeAsync();
    }

    // The flip switches off the triggers of the tenants' table, and nobody may wait for that with the guard closed.
    [Fact]
    public async Task A_table_that_the_flip_will_lock_is_free_before_the_guard_closes()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            FaultsWriter.Schema
                + """
                ;
                CREATE FUNCTION stamp_tenants() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
                CREATE TRIGGER stamp_tenants BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION stamp_tenants();
                """,
            servers.Dedicated
        );
        await using var holding = await move.Shared.OpenAsync();
        var promotion = Promote(move, TimeSpan.FromSeconds(3), holding, "UPDATE tenants SET plan = plan WHERE id = 2");
        var waits = false;
        await Waiting.UntilAsync(async () =>
            promotion.IsCompleted
            || (
                waits = await move.Shared.ScalarAsync<bool>(
                    """
                    SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'tenants'::regclass)
                       AND NOT EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                                       WHERE l.mode = 'ExclusiveLock' AND c.relname LIKE '%\_gate')
                    """
                )
            )
        );

        Assert.True(waits);
        await holding.ExecuteAsync("COMMIT");
        await promotion;

        Assert.False(move.Watched.HasWarned("attempt"));
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_cutover_that_a_transaction_holds_up_for_ever_fails_with_its_name_and_the_tenant_goes_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        await using var holding = await move.Shared.OpenAsync();
        var promotion = Promote(
            move,
            TimeSpan.FromMilliseconds(300),
            holding,
            "UPDATE labels SET label = 'held' WHERE id = 2"
        );

        var failure = await Assert.ThrowsAsync<MigratorException>(() => promotion);

        Assert.Equal(ExitCode.Failed, failure.Code);
        Assert.Contains($"process {holding.ProcessID} ", failure.Message, StringComparison.Ordinal);
        Assert.Equal("open", await move.GuardAsync());
        Assert.False(await move.IsIsolatedAsync());
        Assert.Single(await CrashedMove.SlotsAsync(move.Shared));
        await writer.ResumeAsync();
        await holding.ExecuteAsync("COMMIT");

        await move.PromoteAsync(validate: false);

        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        Assert.Equal("held", await move.Isolated.ScalarAsync<string>("SELECT label FROM labels WHERE id = 2"));
        await move.MustBeIsolatedAsync();
    }

    [Fact]
    public async Task A_pause_in_which_too_many_sessions_wait_ends_and_nobody_sees_an_error()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var holding = await move.Shared.OpenAsync();
        var promotion = Promote(
            move,
            TimeSpan.FromSeconds(5),
            holding,
            "UPDATE labels SET label = 'held' WHERE id = 2",
            maxWaiting: 2
        );

        await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(async id =>
                {
                    await using var session = await move.Shared.OpenAsync();
                    await UntilAsync(
                        async () =>
                        {
                            await session.ExecuteAsync(
                                $"UPDATE tasks SET title = title WHERE tenant_id = 1 AND id < 100 AND id % 6 = {id}"
                            );
                            return move.Watched.HasWarned(" sessions waited for the end of the pause");
                        },
                        promotion
                    );
                })
        );
        await holding.ExecuteAsync("COMMIT");
        await promotion;

        await move.MustBeIsolatedAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cutover_that_fails_when_all_is_in_force_on_the_isolated_side_is_tried_again(bool inOneRun)
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var holding = await move.Shared.OpenAsync();
        // The row that is to be flipped; no write of the tenant, for which the guard would wait.
        var promotion = Promote(
            move,
            inOneRun ? TimeSpan.FromSeconds(3) : TimeSpan.FromMilliseconds(600),
            holding,
            "LOCK TABLE tenants IN SHARE MODE"
        );
        if (inOneRun)
            await UntilWarnedAsync(move, promotion);
        else
            await Assert.ThrowsAsync<MigratorException>(() => promotion);
        await UntilAsync(async () => await move.GuardAsync() == "open", promotion);
        // Triggers would have their say if they were still in force when this is applied.
        await move.Shared.ExecuteAsync(
            """
            UPDATE tasks SET title = 'changed' WHERE tenant_id = 1 AND id < 50;
            UPDATE labels SET label = 'changed' WHERE tenant_id = 1
            """
        );
        await holding.ExecuteAsync("COMMIT");

        if (inOneRun)
            await promotion;
        else
            await move.PromoteAsync(validate: false);

        Assert.Equal(
            ["changed."],
            await move.Isolated.QueryAsync<string>("SELECT DISTINCT title FROM tasks WHERE id < 50")
        );
        Assert.Equal(["changed"], await move.Isolated.QueryAsync<string>("SELECT DISTINCT label FROM labels"));
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareSchemasAsync());
        await move.MustBeIsolatedAsync();
    }

    // The other session does something, and does not commit, as soon as the cutover begins.
    static Task Promote(TenantMove move, TimeSpan maxPause, NpgsqlConnection holding, string does, int maxWaiting = 0)
    {
        var holds = false;
        return Task.Run(() =>
            move.PromoteAsync(
                move.Options(maxPause: maxPause) with
                {
                    MaxWaiting = maxWaiting,
                },
                phase =>
                {
                    if (phase != PhaseName.CutOver || holds)
                        return;
                    holds = true;
                    holding.Execute($"BEGIN; {does}");
                }
            )
        );
    }

    // Not longer than the promotion lasts, whose own failure says more.
    static Task UntilAsync(Func<Task<bool>> condition, Task promotion) =>
        Waiting.UntilAsync(async () =>
        {
            if (await condition())
                return true;
            if (promotion.IsCompleted)
                await promotion;
            return promotion.IsCompleted
                && (await condition() ? true : throw new InvalidOperationException("It ended."));
        });

    static Task UntilWarnedAsync(TenantMove move, Task promotion) =>
        UntilAsync(() => Task.FromResult(move.Watched.HasWarned("(attempt 1 of ")), promotion);
}
