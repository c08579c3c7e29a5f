using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>What becomes of a tenant that has come home, and of the database that it has left.</summary>
public sealed class AfterTheRollbackTests(Servers servers)
{
    [Theory]
    [InlineData(false)]
    [SoakData(true)]
    public async Task After_finalize_everything_comes_back_and_the_tenant_can_move_again(bool dropIsolated)
    {
        await using var move = await TenantMove.CreateAsync(servers, RowsOfAllKinds.Schema, servers.Dedicated);
        await using var before = await Snapshot.OfAsync(move.Shared);
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        await move.Isolated.ExecuteAsync(
            """
            UPDATE notes SET body = 'later' WHERE id = 2;
            INSERT INTO notes (tenant_id, body) VALUES (1, 'later');
            DELETE FROM pins
            """
        );
        await using var isolated = await Snapshot.OfAsync(move.Isolated);

        await move.RollBackAsync(dropIsolated);

        Assert.Equal(!dropIsolated, await move.IsolatedExistsAsync());
        Assert.Empty(await before.ChangedRowsAsync(RowsOfAllKinds.OfOthers));
        if (!dropIsolated)
            Assert.Empty(
                await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(RowsOfAllKinds.OfAcme)
            );
        Assert.Equal(11, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));

        await move.PromoteAsync();

        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(RowsOfAllKinds.OfAcme));
    }

    [Fact]
    public async Task A_kept_database_that_the_application_is_still_connected_to_is_named_and_dropped_later()
    {
        await using var move = await TenantMove.CreateAsync(servers, RowsOfAllKinds.Schema, servers.Dedicated);
        await move.PromoteAsync(validate: false);
        var idle = await move.Isolated.OpenAsync(Demo.SampleDatabase.Application);

        var failure = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync(dropIsolated: true));

        Assert.Contains($"1 of {Demo.SampleDatabase.Application}", failure.Message, StringComparison.Ordinal);
        Assert.Equal("shared", await move.ModeAsync());
        Assert.Null(await move.GuardAsync());
        Npgsql.NpgsqlConnection.ClearPool(idle);
        await idle.DisposeAsync();
        await move.RollBackAsync(dropIsolated: true);
        Assert.False(await move.IsolatedExistsAsync());
    }

    [Fact]
    public async Task The_kept_database_is_dropped_on_request_later()
    {
        await using var move = await TenantMove.CreateAsync(servers, RowsOfAllKinds.Schema);
        await move.PromoteAsync(validate: false);
        await move.RollBackAsync();
        Assert.True(await move.IsolatedExistsAsync());

        await move.RollBackAsync(dropIsolated: true);

        Assert.False(await move.IsolatedExistsAsync());
    }

    [Fact]
    public async Task A_tenant_that_came_home_moves_again_with_what_it_wrote_since()
    {
        await using var move = await TenantMove.CreateAsync(servers, RowsOfAllKinds.Schema);
        for (var round = 1; round <= 2; round++)
        {
            await move.PromoteAsync();
            await move.Isolated.ExecuteAsync(
                "INSERT INTO notes (tenant_id, body) VALUES (1, @round)",
                new { round = $"there {round}" }
            );
            await move.RollBackAsync();
            await move.Shared.ExecuteAsync(
                "INSERT INTO notes (tenant_id, body) VALUES (1, @round)",
                new { round = $"here {round}" }
            );
        }

        Assert.Equal(
            ["here 1", "here 2", "there 1", "there 2"],
            await move.Shared.QueryAsync<string>("SELECT body FROM notes WHERE body ~ 'ere' ORDER BY 1")
        );
    }

    [Fact]
    public async Task Comes_home_from_a_database_that_its_users_still_read()
    {
        await using var move = await TenantMove.CreateAsync(servers, RowsOfAllKinds.Schema);
        await move.PromoteAsync(validate: false);
        await using var reader = await move.Isolated.OpenAsync();
        await using var reading = await reader.BeginTransactionAsync();
        await using var command = new Npgsql.NpgsqlCommand("SELECT count(*) FROM pins", reader);
        Assert.Equal(5L, await command.ExecuteScalarAsync());
        await reading.CommitAsync();

        await move.RollBackAsync();

        Assert.Equal("shared", await move.ModeAsync());
    }
}
