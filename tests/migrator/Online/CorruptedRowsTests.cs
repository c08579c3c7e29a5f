using Dapper;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>A row that somebody changes behind the stream's back is found, by its key, whenever that happens.</summary>
public sealed class CorruptedRowsTests(Servers servers)
{
    [Theory]
    [InlineData("UPDATE tasks SET title = 'planted' WHERE id = 4", "public.tasks: id=4")]
    [SoakData("DELETE FROM comments WHERE id = 6", "public.comments: id=6")]
    [InlineData("INSERT INTO labels VALUES (99, 1, 'planted')", "public.labels: id=99")]
    public async Task A_row_corrupted_before_the_verification_stops_it_with_its_key(string corruption, string named)
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.Verify, corruption)
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
        await move.MustGoOnInSharedAsync();
    }

    [Fact]
    public async Task A_row_corrupted_among_those_touched_since_the_verification_is_found_in_the_pause()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);

        // The stream leaves out the large value that the change left alone, so it does not mend it.
        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.CutOver,
                async () =>
                {
                    await move.MeddleAsync("UPDATE tasks SET document = 'planted' WHERE id = 4");
                    await move.Shared.ExecuteAsync("UPDATE tasks SET title = 'touched' WHERE id = 4");
                }
            )
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.tasks: id=4", failure.Message, StringComparison.Ordinal);
        await move.MustGoOnInSharedAsync();
    }

    [Fact]
    public async Task A_row_corrupted_among_those_that_a_failed_attempt_has_touched_is_found_by_the_next()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);
        await using var holding = await move.Shared.OpenAsync();
        NpgsqlTransaction? transaction = null;
        var promotion = Task.Run(() =>
            move.PromoteMeddledAsync(
                PhaseName.CutOver,
                async () =>
                {
                    await move.Shared.ExecuteAsync("UPDATE tasks SET title = 'touched' WHERE id = 4");
                    transaction = await holding.BeginTransactionAsync();
                    await holding.ExecuteAsync("UPDATE labels SET label = 'held' WHERE tenant_id = 1");
                },
                move.Options(maxPause: TimeSpan.FromSeconds(3))
            )
        );
        await Waiting.UntilAsync(() => move.Watched.HasWarned("did not close"));
        await move.MeddleAsync("UPDATE tasks SET title = 'planted' WHERE id = 4");
        await transaction!.RollbackAsync();

        var failure = await Assert.ThrowsAsync<MigratorException>(() => promotion);

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.tasks: id=4", failure.Message, StringComparison.Ordinal);
        await move.MustGoOnInSharedAsync();
    }

    [Fact]
    public async Task A_row_corrupted_among_those_that_nobody_touched_is_found_at_the_flip()
    {
        await using var move = await TenantMove.CreateAsync(servers, FaultsWriter.Schema, servers.Dedicated);

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.CutOver, "UPDATE tasks SET title = 'planted' WHERE id = 4")
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.tasks: id=4", failure.Message, StringComparison.Ordinal);
        Assert.Contains("The tenant is flipped", failure.Message, StringComparison.Ordinal);
        Assert.True(await move.IsIsolatedAsync());
        Assert.Equal("moved", await move.GuardAsync());

        // Saying it again does not make it right, nor is the only good row deleted.
        foreach (var verb in (Func<Task>[])[() => move.PromoteAsync(validate: false), () => move.FinalizeAsync()])
            Assert.Contains(
                "public.tasks",
                (await Assert.ThrowsAsync<MigratorException>(verb)).Message,
                StringComparison.Ordinal
            );
        Assert.NotEqual("planted", await move.Shared.ScalarAsync<string>("SELECT title FROM tasks WHERE id = 4"));
        await move.FinalizeAsync(force: true);
        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM tasks WHERE tenant_id = 1"));
    }
}
