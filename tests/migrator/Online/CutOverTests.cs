using Dapper;
using Migrator.Model;
using Migrator.Phases;
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
        NpgsqlTransaction? transaction = null;

        var (watched, promotion) = Promote(
            move,
            TimeSpan.FromSeconds(1),
            phase =>
            {
                if (phase != "cut-over" || transaction is not null)
                    return;
                transaction = holding.BeginTransaction();
                holding.Execute(
                    "UPDATE labels SET label = 'held' WHERE id = 1 AND tenant_id = 2; UPDATE labels SET label = 'held' WHERE tenant_id = 1 AND id = 2"
                );
            }
        );
        await UntilAsync(
            () => watched.Warnings.Any(said => said.Contains("did not close within", StringComparison.Ordinal)),
            promotion
        );
        Assert.Contains(
            watched.Warnings,
            said => said.Contains($"process {holding.ProcessID} ", StringComparison.Ordinal)
        );
        await writer.ResumeAsync();
        await transaction!.CommitAsync();
        await promotion;

        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        Assert.Equal("held", await move.Isolated.ScalarAsync<string>("SELECT label FROM labels WHERE id = 2"));
        await move.MustBeIsolatedAsync();
        await holding.DisposeAsync();
    }

    [Fact]
    public async Task A_cutover_that_a_transaction_holds_up_for_ever_fails_with_its_name_and_the_tenant_goes_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var writer = FaultsWriter.Start(move);
        await using var holding = await move.Shared.OpenAsync();
        NpgsqlTransaction? transaction = null;
        var (_, promotion) = Promote(
            move,
            TimeSpan.FromMilliseconds(300),
            phase =>
            {
                if (phase != "cut-over" || transaction is not null)
                    return;
                transaction = holding.BeginTransaction();
                holding.Execute("UPDATE labels SET label = 'held' WHERE id = 2");
            }
        );

        var failure = await Assert.ThrowsAsync<MigratorException>(() => promotion);

        Assert.Equal(ExitCode.Failed, failure.Code);
        Assert.Contains($"process {holding.ProcessID} ", failure.Message, StringComparison.Ordinal);
        Assert.Equal("open", await move.GuardAsync());
        Assert.False(await move.IsIsolatedAsync());
        Assert.Single(await CrashedMove.SlotsAsync(move.Shared));
        await writer.ResumeAsync();
        await transaction!.CommitAsync();

        await move.PromoteAsync(validate: false);

        await writer.StopAsync();
        Assert.Empty(writer.Errors);
        Assert.Equal("held", await move.Isolated.ScalarAsync<string>("SELECT label FROM labels WHERE id = 2"));
        await move.MustBeIsolatedAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cutover_that_fails_when_all_is_in_force_on_the_isolated_side_is_tried_again(bool inOneRun)
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var holding = await move.Shared.OpenAsync();
        NpgsqlTransaction? transaction = null;
        // The row that is to be flipped; no write of the tenant, for which the guard would wait.
        var (watched, promotion) = Promote(
            move,
            TimeSpan.FromMilliseconds(600),
            phase =>
            {
                if (phase != "cut-over" || transaction is not null)
                    return;
                transaction = holding.BeginTransaction();
                holding.Execute("LOCK TABLE tenants IN SHARE MODE");
            }
        );
        if (inOneRun)
            await UntilAsync(
                () => watched.Warnings.Any(said => said.Contains("did not close within", StringComparison.Ordinal)),
                promotion
            );
        else
            await Assert.ThrowsAsync<MigratorException>(() => promotion);
        await UntilAsync(async () => await move.GuardAsync() == "open", promotion);
        // Triggers and rules would have their say if they were still in force when this is applied.
        await move.Shared.ExecuteAsync(
            "UPDATE tasks SET title = 'changed' WHERE tenant_id = 1 AND id < 50; UPDATE labels SET label = 'changed' WHERE tenant_id = 1"
        );
        await transaction!.CommitAsync();

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

    static (WatchingProgress, Task) Promote(TenantMove move, TimeSpan maxPause, Action<string> started)
    {
        var watched = new WatchingProgress(started);
        var slug = Slug.TryParse(move.Slug, out var parsed) ? parsed : throw new ArgumentException(move.Slug);
        return (
            watched,
            Task.Run(() =>
                TenantMove.WithPromotionAsync(
                    move.Settings,
                    slug,
                    new(PromotionOptions.Online, 2, maxPause, Validate: false, []),
                    watched,
                    promotion => promotion.PromoteAsync(TestContext.Current.CancellationToken)
                )
            )
        );
    }

    static Task UntilAsync(Func<bool> condition, Task promotion) =>
        UntilAsync(() => Task.FromResult(condition()), promotion);

    static async Task UntilAsync(Func<Task<bool>> condition, Task promotion)
    {
        for (var waited = System.Diagnostics.Stopwatch.StartNew(); !await condition(); await Task.Delay(20))
        {
            if (promotion.IsCompleted)
                await promotion;
            Assert.False(
                promotion.IsCompleted && waited.Elapsed > TimeSpan.FromSeconds(5),
                "The promotion ended too early."
            );
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(60), "It never came true.");
        }
    }
}
