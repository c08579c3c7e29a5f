using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>A hold on servers that go down, and one without a process.</summary>
public sealed class HeldServersTests
{
    [Fact]
    [Trait(Soak.Category, Soak.Name)]
    public async Task A_hold_outlives_restarts_of_both_servers_and_a_detached_one_has_a_bounded_slot()
    {
        var binaries = await PostgresBinaries.FindOrInstallAsync();
        await using var shared = await EmbeddedCluster.StartAsync(binaries);
        await using var dedicated = await EmbeddedCluster.StartAsync(binaries);
        await Servers.CreateRolesAsync(shared);
        await Servers.CreateRolesAsync(dedicated);

        await HoldThroughRestartsAsync(shared, dedicated);
        await HoldDetachedAsync(shared, dedicated);
    }

    static async Task HoldThroughRestartsAsync(EmbeddedCluster shared, EmbeddedCluster dedicated)
    {
        await using var shop = await CreateAsync(shared, dedicated);
        await using var migrator = shop.Move.Start("promote", "--hold");
        await UntilSeenAsync(shop, "true");
        await dedicated.RestartAsync(StopMode.Immediate);
        await shop.WriteAsync();
        await UntilSeenAsync(shop, "seen_at > clock_timestamp() - interval '3 s'", since: await NowAsync(shop));
        await shared.RestartAsync(StopMode.Fast);
        await UntilSeenAsync(shop, "true", since: await NowAsync(shop));

        await InjectedFault.RunAsync(shop.Move, 0, "cutover", $"--tenant-slug={shop.Slug}", "--confirm");
        Assert.Equal(0, await migrator.ExitCodeAsync());
        await shop.Move.MustBeIsolatedAsync();
    }

    static async Task HoldDetachedAsync(EmbeddedCluster shared, EmbeddedCluster dedicated)
    {
        await using var other = await CreateAsync(shared, dedicated);
        string[] detach = ["promote", $"--tenant-slug={other.Slug}", "--confirm", "--detach"];
        var (code, _, error) = await other.SayAsync(detach);
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains("max_slot_wal_keep_size", error, StringComparison.Ordinal);
        Assert.Null(await other.StateAsync());

        var postgres = new TestDatabase(shared, "postgres", EmbeddedCluster.Superuser);
        await postgres.ExecuteAsync("ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'");
        await postgres.ExecuteAsync("SELECT pg_reload_conf()");
        (code, var output, error) = await other.SayAsync(detach);
        Assert.True(code == 0, error);
        Assert.Contains("Next: migrator cutover", output, StringComparison.Ordinal);
        Assert.Equal("holding", await other.StateAsync());
        await other.WriteAsync();

        (code, _, error) = await other.SayAsync("cutover", $"--tenant-slug={other.Slug}", "--confirm");

        Assert.True(code == 0, error);
        Assert.Equal(
            await other.Shared.ScalarAsync<string>(
                "SELECT max(name) FROM projects WHERE tenant_id::text = @Acme",
                new { CrashFixture.Acme }
            ),
            await other.Isolated.ScalarAsync<string>("SELECT max(name) FROM projects", role: EmbeddedCluster.Superuser)
        );
        await other.Move.MustBeIsolatedAsync();
    }

    static async Task<CrashFixture> CreateAsync(EmbeddedCluster shared, EmbeddedCluster dedicated)
    {
        var shop = await CrashFixture.CreateAsync(shared, dedicated);
        shop.Move.Mode = PromotionOptions.Online;
        return shop;
    }

    static Task<DateTime> NowAsync(CrashFixture shop) => shop.Shared.ScalarAsync<DateTime>("SELECT clock_timestamp()");

    // Until the run that holds has written the journal again.
    static Task UntilSeenAsync(CrashFixture shop, string condition, DateTime since = default) =>
        Waiting.UntilAsync(async () =>
            await shop.StateAsync() == "holding"
            && await shop.Shared.ScalarAsync<bool>(
                $"SELECT EXISTS (SELECT FROM tenant_promotion.hold WHERE seen_at > @since AND {condition})",
                new { since }
            )
        );
}

static class HeldShop
{
    public static Task<(int ExitCode, string Output, string Error)> SayAsync(
        this CrashFixture shop,
        params string[] words
    ) =>
        MigratorProgram.RunAsync(
            [.. words, "--routing-dir", shop.Move.Settings.RoutingDirectory],
            new Dictionary<string, string?>
            {
                ["MIGRATOR_SOURCE"] = shop.Move.Settings.Source.ConnectionString,
                ["MIGRATOR_TARGET"] = shop.Move.Settings.Target.ConnectionString,
                ["MIGRATOR_REFERENCE__0"] = "public.countries",
            }
        );
}
