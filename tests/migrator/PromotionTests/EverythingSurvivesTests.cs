using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>Every type and every kind of object arrives, as PostgreSQL itself tells, not as our digests do.</summary>
[EveryVersion]
public sealed class EverythingSurvivesTests(Servers servers)
{
    [Theory]
    [InlineData(KeyType.Uuid, false)]
    [InlineData(KeyType.Text, true)]
    [SoakData(KeyType.BigInt, false)]
    public async Task A_kitchen_sink_arrives_whole_on_the_same_server_or_another(KeyType keyType, bool sameServer)
    {
        await using var sink = await KitchenSink.CreateAsync(servers, keyType);
        await using var move = Of(sink, sameServer);
        await using var before = await Snapshot.OfAsync(sink.Database);

        await move.PromoteAsync();

        var comparer = new DatabaseComparer(sink.Database, move.Isolated);
        Assert.Empty(await comparer.CompareSchemasAsync());
        Assert.Empty(await comparer.CompareRowsAsync(KitchenSink.RowsOf(sink.Key)));
        // In the shared database only the tenant's own row has changed.
        var changes = await before.ChangesAsync();
        Assert.Equal(2, changes.Count);
        Assert.All(changes, change => Assert.Matches("^rows: (public[.])?tenants (lacks|has in addition)", change));
        Assert.DoesNotContain(move.Watched.Checks, check => check.Outcome == CheckOutcome.Failed);
    }

    [Fact]
    public async Task Forced_row_security_hides_nothing_from_a_role_that_bypasses_it()
    {
        await using var sink = await KitchenSink.CreateAsync(servers, forceRowSecurity: true);
        await using var move = Of(sink, sameServer: true);

        await move.PromoteAsync();

        var comparer = new DatabaseComparer(sink.Database, move.Isolated);
        Assert.Empty(await comparer.CompareSchemasAsync());
        Assert.Empty(await comparer.CompareRowsAsync(KitchenSink.RowsOf(sink.Key)));
    }

    [Fact]
    public async Task A_kitchen_sink_that_goes_and_comes_back_is_what_it_was()
    {
        await using var sink = await KitchenSink.CreateAsync(servers);
        await using var move = Of(sink, sameServer: false);
        await using var before = await Snapshot.OfAsync(sink.Database);

        await move.PromoteAsync(validate: false);
        await move.RollBackAsync(dropIsolated: true);

        Assert.Empty(await before.ChangesAsync());
        Assert.Empty(await TenantMove.TracesAsync(sink.Database));
        Assert.False(await move.IsolatedExistsAsync());
    }

    TenantMove Of(KitchenSink sink, bool sameServer) =>
        new(sink.Database, sink.Slug, sameServer ? servers.Shared : servers.Dedicated)
        {
            Tenancy = new()
            {
                Reference = [.. KitchenSink.ReferenceTables.Select(Model.TableName.Parse)],
                Ignored = [.. KitchenSink.IgnoredTables.Select(Model.TableName.Parse)],
            },
        };
}
