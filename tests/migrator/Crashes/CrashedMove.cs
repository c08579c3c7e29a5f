using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Crashes;

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
                .. verb == "promote" ? (string[])["--mode", move.Mode] : [],
                .. arguments,
            ],
            [
                .. Environment("DB_", settings.Source),
                .. Environment("TARGET_DB_", settings.Target),
                .. move.Tenancy.Reference.Select((table, n) => ($"MIGRATOR_REFERENCE__{n}", $"{table}")),
            ],
            settings.RoutingDirectory
        );
    }

    /// <summary>
    /// Runs a verb and kills it at a moment, as in <see cref="Started.CopyData"/>, or some time after it. The signal
    /// may arrive later than that, even after the end: the journal knows how far the run has come.
    /// </summary>
    public static async Task KillAsync(
        this TenantMove move,
        string verb,
        string moment,
        TimeSpan after = default,
        params string[] arguments
    )
    {
        await using (var migrator = move.Start(verb, arguments))
        {
            // An earlier run may have done that phase, and this one all the others.
            if (!await migrator.ReachesAsync(moment))
                Assert.True(await migrator.ExitCodeAsync() == 0, $"{verb} never got to '{moment}':\n{migrator.Log}");
            if (after > TimeSpan.Zero)
                await Task.WhenAny(Task.Delay(after), migrator.ExitCodeAsync());
            migrator.Kill();
        }
        await Waiting.UntilSessionsEndAsync(move.Shared, move.Slug);
    }

    /// <summary>Whether the journal says that a promotion, or the way back from it, has nothing left to do.</summary>
    public static Task<bool> HasEndedAsync(this TenantMove move, string verb) =>
        verb == "promote"
            ? move.HasEndedPhaseAsync(PhaseName.Validate)
            : move.JournalAsync(
                """
                SELECT NOT EXISTS (
                    SELECT FROM tenant_promotion.promotion WHERE tenant_slug = @Slug AND ended_at IS NULL)
                """
            );

    /// <summary>Whether a phase of the tenant's newest promotion has ended.</summary>
    public static Task<bool> HasEndedPhaseAsync(this TenantMove move, string phase) =>
        move.JournalAsync(
            $"""
            SELECT EXISTS (
                SELECT FROM tenant_promotion.phase WHERE name = '{phase}' AND ended_at IS NOT NULL
                    AND promotion_id = (SELECT max(id) FROM tenant_promotion.promotion WHERE tenant_slug = @Slug))
            """
        );

    /// <summary>Runs a verb that was killed to its end in this process, unless it had got there before.</summary>
    public static async Task ResumeAsync(this TenantMove move, string verb)
    {
        if (await move.HasEndedAsync(verb))
            return;
        await (
            verb switch
            {
                "promote" => move.PromoteAsync(validate: move.Mode == PromotionOptions.Fenced),
                "rollback" => move.RollBackAsync(),
                "finalize" => move.FinalizeAsync(),
                _ => throw new ArgumentException(verb),
            }
        );
    }

    /// <summary>Whether the tenant is in its own database.</summary>
    public static async Task<bool> IsIsolatedAsync(this TenantMove move) => await move.ModeAsync() == "isolated";

    /// <summary>
    /// The tenant is in its own database: the guard is closed, and the one slot is that of the way back.
    /// </summary>
    public static async Task MustBeIsolatedAsync(this TenantMove move)
    {
        Assert.True(await move.IsIsolatedAsync());
        Assert.Equal("moved", await move.GuardAsync());
        Assert.True(File.Exists(move.RoutingFile));
        Assert.Empty(await SlotsAsync(move.Shared));
        Assert.EndsWith("_home", Assert.Single(await SlotsAsync(move.Isolated)));
    }

    /// <summary>
    /// The tenant is in the shared database and nothing of a move is left there, nor a slot anywhere.
    /// </summary>
    public static async Task MustBeHomeAsync(this TenantMove move)
    {
        Assert.False(await move.IsIsolatedAsync());
        // Sessions end a moment after their process, or their pool.
        await Waiting.UntilSessionsEndAsync(move.Shared, move.Slug);
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
        Assert.False(File.Exists(move.RoutingFile));
        if (await move.IsolatedExistsAsync())
            Assert.Empty(await SlotsAsync(move.Isolated));
    }

    /// <summary>The tenant never left the shared database and writes there.</summary>
    public static async Task MustGoOnInSharedAsync(this TenantMove move)
    {
        Assert.False(await move.IsIsolatedAsync());
        Assert.Equal("open", await move.GuardAsync());
        await move.Shared.ExecuteAsync("INSERT INTO tasks (tenant_id, title) VALUES (1, 'goes on')");
    }

    /// <summary>The slots in a database.</summary>
    public static Task<IReadOnlyList<string>> SlotsAsync(TestDatabase database) =>
        database.QueryAsync<string>(
            "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database()"
        );

    // A run may have been killed before it made the journal.
    static async Task<bool> JournalAsync(this TenantMove move, string condition) =>
        await move.Shared.ScalarAsync<bool>("SELECT to_regclass('tenant_promotion.phase') IS NOT NULL")
        && await move.Shared.ScalarAsync<bool>(condition, new { move.Slug });

    static IEnumerable<(string, string)> Environment(string prefix, NpgsqlConnectionStringBuilder server) =>
        [
            (prefix + "HOST", server.Host!),
            (prefix + "PORT", $"{server.Port}"),
            (prefix + "NAME", server.Database!),
            (prefix + "USER", server.Username!),
            (prefix + "PASSWORD", server.Password!),
        ];
}
