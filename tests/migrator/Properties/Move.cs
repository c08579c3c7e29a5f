using Migrator.Model;
using Migrator.Phases;
using Migrator.Settings;
using Migrator.Terminal;
using Migrator.Tests.Support;

namespace Migrator.Tests.Properties;

/// <summary>The promotion of one tenant of a database, in this process.</summary>
sealed class Move(TestDatabase shared, string slug, Tenancy tenancy) : IAsyncDisposable
{
    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("migrator-move-");

    public TestDatabase Isolated => new(shared.Cluster, "tenant_" + slug.Replace('-', '_'), shared.Owner);

    public Task PromoteAsync() => RunAsync(promotion => promotion.PromoteAsync(TestContext.Current.CancellationToken));

    public Task RollBackAsync() =>
        RunAsync(promotion => promotion.RollBackAsync(dropIsolated: false, TestContext.Current.CancellationToken));

    public async ValueTask DisposeAsync()
    {
        await Isolated.DisposeAsync();
        folder.Delete(recursive: true);
    }

    async Task RunAsync(Func<Promotion, Task> verb) =>
        await TenantMove.WithPromotionAsync(
            new(
                tenancy,
                new(shared.ConnectionString()),
                new(shared.Cluster.ConnectionString("postgres", shared.Owner)),
                folder.FullName
            ),
            Slug.TryParse(slug, out var parsed) ? parsed : throw new ArgumentException(slug),
            new(PromotionOptions.Fenced, Jobs: 2, TimeSpan.FromSeconds(30), Validate: false, []),
            new SilentProgress(),
            verb
        );
}
