using System.Diagnostics;
using Migrator;
using Migrator.Connections;
using Migrator.Demo;
using Migrator.Governing;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;
using Migrator.Terminal;

namespace Bench;

/// <summary>The main tenant's moves out of a sample database and back, in this process.</summary>
sealed class Move(BenchmarkServers servers, string database) : IDisposable
{
    readonly DirectoryInfo routing = Directory.CreateTempSubdirectory("bench-routing-");

    static PromotionOptions Options { get; } =
        new(PromotionOptions.Online, Jobs: 2, TimeSpan.FromSeconds(5), Validate: false, []);

    MigratorSettings Settings =>
        new(
            BenchmarkServers.Tenancy,
            new(servers.Shared.ConnectionString(database, SampleDatabase.Admin)),
            new(servers.Dedicated.ConnectionString("postgres", SampleDatabase.Admin)),
            routing.FullName
        );

    public async Task<RecordingProgress> PromoteAsync()
    {
        var observed = new RecordingProgress();
        await RunAsync(observed, promotion => promotion.PromoteAsync(CancellationToken.None));
        return observed;
    }

    /// <summary>Promotes, or goes on with it, until a phase is about to begin.</summary>
    public async Task<RecordingProgress> PromoteUntilAsync(string phase)
    {
        using var stop = new CancellationTokenSource();
        var observed = new RecordingProgress(started =>
        {
            if (started == phase)
                stop.Cancel();
        });
        try
        {
            await RunAsync(observed, promotion => promotion.PromoteAsync(stop.Token));
        }
        catch (MigratorException stopped) when (stopped.Code == ExitCode.Interrupted)
        {
            return observed;
        }
        throw new InvalidOperationException($"The promotion has no phase {phase}.");
    }

    public async Task<RecordingProgress> RollBackAsync(bool dropIsolated = false)
    {
        var observed = new RecordingProgress();
        await RunAsync(
            observed,
            promotion => promotion.RollBackAsync(dropIsolated, force: false, CancellationToken.None)
        );
        return observed;
    }

    /// <summary>Applies what waits in the slot, while nothing else runs.</summary>
    public Task<(double Seconds, long Changes)> FollowAsync(TargetState state) =>
        WithRunAsync(async run =>
        {
            var direction = StreamDirection.Forward(run.Stream);
            await using var source = await run.Databases.Shared.OpenConnectionAsync();
            var (mark, _) = await ReplicationSlot.EmitWatermarkAsync(source, CancellationToken.None);
            var watch = Stopwatch.StartNew();
            await using var feed = await ChangeFeed.OpenAsync(direction, state, CancellationToken.None);
            await feed.WaitForWatermarkAsync(mark, CancellationToken.None);
            return (watch.Elapsed.TotalSeconds, feed.Changes);
        });

    /// <summary>Takes up a promotion that stands still, to do by hand what a phase would do.</summary>
    public async Task<T> WithRunAsync<T>(Func<PromotionRun, Task<T>> work)
    {
        var settings = Settings;
        await using var databases = Databases.For(settings, BenchmarkServers.Slug);
        var (tenant, scope, identity) = await LookUpAsync(databases, settings);
        await using var journal = await PromotionJournal.LockAsync(
            databases,
            tenant.Key,
            TimeProvider.System,
            CancellationToken.None
        );
        var record = (await journal.CurrentAsync(tenant.Key, CancellationToken.None))!;
        var binaries = servers.Shared.Binaries;
        await using var governor = new Governor(
            databases,
            new(MaxRate: 0, MaxReplicaLag: 0, MaxActiveSessions: 0),
            () => null,
            new(new SilentProgress(), TimeProvider.System),
            TimeProvider.System
        );
        using var run = new PromotionRun(
            settings,
            Options,
            databases,
            tenant,
            identity,
            scope,
            // No migration comes between.
            scope,
            new(binaries.BinDirectory, binaries.Major),
            journal,
            record,
            await journal.NextRunAsync(record.Id, CancellationToken.None),
            new SilentProgress(),
            governor,
            TimeProvider.System
        );
        await run.Isolated.ClaimAsync(CancellationToken.None);
        return await work(run);
    }

    static async Task<(Tenant, TenantScope, DatabaseIdentity)> LookUpAsync(
        Databases databases,
        MigratorSettings settings
    )
    {
        await using var source = await databases.Shared.OpenConnectionAsync();
        var slug = BenchmarkServers.Slug;
        return (
            await TenantLookup.FindAsync(source, settings.Tenancy, slug, CancellationToken.None),
            await TenantScope.ReadAsync(source, settings.Tenancy, CancellationToken.None),
            await IsolatedMark.IdentityAsync(source, CancellationToken.None)
        );
    }

    public void Dispose() => routing.Delete(recursive: true);

    async Task RunAsync(IPromotionProgress progress, Func<Promotion, Task> verb)
    {
        var settings = Settings;
        await using var databases = Databases.For(settings, BenchmarkServers.Slug);
        await verb(new(settings, databases, Options, progress, TimeProvider.System));
    }
}
