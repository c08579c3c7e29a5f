using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.PromotionTests;

/// <summary>Through a connection pooler one tenant could be promoted twice at once, so there is no way through one.</summary>
public sealed class PoolerTests(Servers servers)
{
    const string Notes =
        "CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL); INSERT INTO notes VALUES (1, 1);";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(50);

    static readonly string[][] Verbs =
    [
        ["promote", "--dry-run"],
        ["promote", "--confirm"],
        ["rollback", "--confirm"],
        ["finalize", "--confirm"],
    ];

    [Theory]
    [InlineData(StartupOptions.Pass)]
    [SoakData(StartupOptions.Drop)]
    [InlineData(StartupOptions.Refuse)]
    public async Task A_pooler_before_the_shared_server_is_named_and_refused_by_every_verb(StartupOptions options)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var proxy = PoolingProxy.Start(move.Shared.Cluster, options);
        var through = new NpgsqlConnectionStringBuilder(move.Shared.ConnectionString()) { Port = proxy.Port };

        foreach (var words in Verbs)
        {
            // A run that gets through hangs: the lock that it waits for is held by a session that the pool has given away.
            using var patience = new CancellationTokenSource(Patience);
            var (code, _, error) = await MigratorProgram.RunAsync(
                [.. words, $"--tenant-slug={move.Slug}", "--routing-dir", move.Settings.RoutingDirectory],
                new Dictionary<string, string?>
                {
                    ["MIGRATOR_SOURCE"] = through.ConnectionString,
                    ["MIGRATOR_TARGET"] = move.Server.ConnectionString("postgres", move.Shared.Owner),
                },
                patience.Token
            );
            Assert.True(code == (int)ExitCode.Refused, $"'{string.Join(' ', words)}' ended with {code}:\n{error}");
            Assert.Contains("connection pooler", error);
            Assert.Contains("DB_HOST", error);
        }
        Assert.False(await move.IsolatedExistsAsync());
        // The pool keeps its sessions.
        Assert.All(await TenantMove.TracesAsync(move.Shared), trace => Assert.StartsWith("session", trace));
    }

    [Fact]
    public async Task A_pooler_before_the_isolated_server_is_a_fault_of_preflight()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await using var proxy = PoolingProxy.Start(servers.Dedicated, StartupOptions.Pass);
        using var patience = new CancellationTokenSource(Patience);
        var through = new NpgsqlConnectionStringBuilder(move.Settings.Target.ConnectionString) { Port = proxy.Port };

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            TenantMove.WithPromotionAsync(
                move.Settings with
                {
                    Target = through,
                },
                move.Tenant().Slug,
                move.Options(),
                new WatchingProgress(null),
                promotion => promotion.PromoteAsync(patience.Token)
            )
        );

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains($":{proxy.Port} is a connection pooler", refused.Message);
    }
}
