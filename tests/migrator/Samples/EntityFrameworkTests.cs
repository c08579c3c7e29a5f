using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Migrator.Tests.Support;
using Npgsql;
using TenantRouting;

namespace Migrator.Tests.Samples;

/// <summary>The sample for Entity Framework follows a tenant there and back: no error, and no write lost or doubled.</summary>
public sealed class EntityFrameworkTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE notes (id uuid PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, n int NOT NULL);
        """;

    sealed class Note
    {
        public Guid Id { get; init; }
        public long TenantId { get; init; }
        public int N { get; set; }
    }

    sealed class Notes(DbContextOptions<Notes> options) : DbContext(options)
    {
        public DbSet<Note> All => Set<Note>();

        protected override void OnModelCreating(ModelBuilder model) =>
            model.Entity<Note>(note =>
            {
                note.ToTable("notes");
                note.Property(one => one.Id).HasColumnName("id");
                note.Property(one => one.TenantId).HasColumnName("tenant_id");
                // The count of rows is looked at: a write that changes none is an error.
                note.Property(one => one.N).HasColumnName("n").IsConcurrencyToken();
            });
    }

    [Fact]
    public async Task The_sample_follows_its_tenant_there_and_back()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using var shared = NpgsqlDataSource.Create(move.Shared.ConnectionString());
        await using var router = new TenantRouter(
            shared,
            name => NpgsqlDataSource.Create(servers.Dedicated.ConnectionString(name, move.Shared.Owner))
        )
        {
            Timeout = Waiting.Limit,
        };
        router.Start();
        var contexts = new TenantContexts<Notes>(router, options => new(options));
        var acknowledged = new ConcurrentDictionary<Guid, int>();
        using var stop = new CancellationTokenSource();
        var workers = Enumerable
            .Range(0, 4)
            .Select(_ => Task.Run(() => WriteAsync(contexts, acknowledged, stop.Token)));
        var all = Task.WhenAll(workers.ToArray());
        await UntilWrittenAsync(move.Shared, all);
        await move.PromoteAsync(validate: false);
        await UntilWrittenAsync(move.Isolated, all);
        await move.RollBackAsync();
        await UntilWrittenAsync(move.Shared, all);
        await stop.CancelAsync();
        await all;

        var there = await move.Shared.QueryAsync<(Guid Id, int N)>("SELECT id, n FROM notes");
        Assert.Equal(acknowledged.OrderBy(pair => pair.Key), there.ToDictionary().OrderBy(pair => pair.Key));
    }

    static async Task WriteAsync(
        TenantContexts<Notes> contexts,
        ConcurrentDictionary<Guid, int> acknowledged,
        CancellationToken stop
    )
    {
        var tenant = $"{TenantMove.Acme}";
        while (!stop.IsCancellationRequested)
        {
            var id = Guid.NewGuid();
            await contexts.RunAsync(
                tenant,
                (notes, _) =>
                    Task.FromResult(
                        notes.Add(
                            new Note
                            {
                                Id = id,
                                TenantId = TenantMove.Acme,
                                N = 1,
                            }
                        )
                    ),
                cancellationToken: CancellationToken.None
            );
            for (acknowledged[id] = 1; acknowledged[id] < 20 && !stop.IsCancellationRequested; )
            {
                acknowledged[id] = await contexts.RunAsync(
                    tenant,
                    async (notes, token) => ++(await notes.All.SingleAsync(note => note.Id == id, token)).N,
                    cancellationToken: CancellationToken.None
                );
                await Task.Delay(10, CancellationToken.None);
            }
        }
    }

    // Fifty writes from now on.
    static async Task UntilWrittenAsync(TestDatabase database, Task writers)
    {
        const string written = "SELECT coalesce(sum(n), 0) FROM notes";
        var before = await database.ScalarAsync<long>(written);
        await Waiting.UntilAsync(async () =>
        {
            if (writers.IsCompleted)
                await writers;
            return await database.ScalarAsync<long>(written) >= before + 50;
        });
    }
}
