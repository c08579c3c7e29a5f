using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>A tenant's move by the program as users run it, which can be killed.</summary>
static class CrashedMove
{
    /// <summary>Starts a verb for the tenant.</summary>
    public static MigratorProcess Start(this TenantMove move, string verb, params string[] arguments)
    {
        var settings = move.Settings;
        return MigratorProcess.Start(
            [
                verb,
                $"--tenant-slug={move.Slug}",
                "--log-format",
                "json",
                "--confirm",
                "--routing-dir",
                settings.RoutingDirectory,
                .. arguments,
            ],
            [.. Environment("DB_", settings.Source), .. Environment("TARGET_DB_", settings.Target)],
            settings.RoutingDirectory
        );
    }

    /// <summary>Runs a verb and kills it at a moment, as in "started copy", or some time after it.</summary>
    public static async Task KillAsync(this TenantMove move, string verb, string moment, TimeSpan after = default)
    {
        await using var migrator = move.Start(verb, Arguments(verb));
        if (!await migrator.ReachesAsync(moment))
        {
            Assert.True(await migrator.ExitCodeAsync() == 0, $"{verb} never got to '{moment}':\n{migrator.Log}");
            return;
        }
        if (after > TimeSpan.Zero)
            await Task.WhenAny(Task.Delay(after), migrator.ExitCodeAsync());
        migrator.Kill();
    }

    /// <summary>Runs a verb that was killed to its end, unless it had got there before.</summary>
    public static async Task ResumeAsync(this TenantMove move, string verb)
    {
        // A commit that was on its way when the process died.
        await Task.Delay(200);
        var isDone = await move.Shared.ScalarAsync<bool>(
            verb == "promote"
                ? "SELECT EXISTS (SELECT FROM tenant_promotion.phase WHERE name = 'validate' AND ended_at IS NOT NULL)"
                : "SELECT NOT EXISTS (SELECT FROM tenant_promotion.promotion WHERE ended_at IS NULL)"
        );
        if (!isDone)
            await move.FinishAsync(verb);
    }

    /// <summary>Runs a verb to its end, which is to be a good one.</summary>
    public static async Task FinishAsync(this TenantMove move, string verb)
    {
        await using var migrator = move.Start(verb, Arguments(verb));
        var code = await migrator.ExitCodeAsync();
        Assert.True(code == 0, $"{verb} ended with {code}:\n{migrator.Log}");
    }

    /// <summary>Whether the tenant is in its own database.</summary>
    public static async Task<bool> IsIsolatedAsync(this TenantMove move) =>
        await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1") == "isolated";

    /// <summary>The tenant is in its own database: the guard is closed, and the one slot is that of the way back.</summary>
    public static async Task MustBeIsolatedAsync(this TenantMove move)
    {
        Assert.True(await move.IsIsolatedAsync());
        Assert.Equal("closed", await move.GuardAsync());
        Assert.True(File.Exists(move.RoutingFile));
        Assert.Empty(await SlotsAsync(move.Shared));
        Assert.EndsWith("_home", Assert.Single(await SlotsAsync(move.Isolated)));
    }

    /// <summary>The tenant is in the shared database and nothing of a move is left there, nor a slot anywhere.</summary>
    public static async Task MustBeHomeAsync(this TenantMove move)
    {
        Assert.False(await move.IsIsolatedAsync());
        // Sessions end a moment after their process, or their pool.
        for (
            var waited = System.Diagnostics.Stopwatch.StartNew();
            waited.Elapsed < TimeSpan.FromSeconds(5) && (await TenantMove.TracesAsync(move.Shared)).Count > 0;

        )
            await Task.Delay(50);
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
        Assert.False(File.Exists(move.RoutingFile));
        if (await move.IsolatedExistsAsync())
            Assert.Empty(await SlotsAsync(move.Isolated));
    }

    /// <summary>The slots in a database.</summary>
    public static Task<IReadOnlyList<string>> SlotsAsync(TestDatabase database) =>
        database.QueryAsync<string>(
            "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database()"
        );

    static string[] Arguments(string verb) => verb == "promote" ? ["--no-validate"] : [];

    static IEnumerable<(string, string)> Environment(string prefix, NpgsqlConnectionStringBuilder server) =>
        [
            (prefix + "HOST", server.Host!),
            (prefix + "PORT", $"{server.Port}"),
            (prefix + "NAME", server.Database!),
            (prefix + "USER", server.Username!),
            (prefix + "PASSWORD", server.Password!),
        ];
}
