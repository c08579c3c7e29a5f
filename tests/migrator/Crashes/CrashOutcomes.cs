using Migrator.Embedded;
using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>Where a move may end, however often it was killed on the way: all of it is so, or the move is not safe.</summary>
static class CrashOutcomes
{
    /// <summary>
    /// The tenant is in its own database: schema and rows are those of the shared one, once each, and both say so.
    /// </summary>
    public static async Task MustBeIsolatedAsync(this CrashFixture shop)
    {
        var comparer = new DatabaseComparer(shop.Shared, shop.Isolated, byCatalog: true);
        Assert.Empty(await comparer.CompareSchemasAsync());
        Assert.Empty(await comparer.CompareRowsAsync(CrashFixture.Tables));
        Assert.Equal("isolated", await shop.ModeAsync());
        Assert.Equal("moved", await shop.GuardAsync());
        Assert.True(File.Exists(shop.RoutingFile));
        Assert.Empty(await OpenEndsAsync(shop));
    }

    /// <summary>
    /// The tenant is in the shared database, which is as it was; nothing is left of the attempt but its history.
    /// </summary>
    public static async Task MustBeUntouchedAsync(this CrashFixture shop)
    {
        Assert.Empty(
            await new DatabaseComparer(shop.Began, shop.Shared, byCatalog: true).CompareAsync([
                .. CrashFixture.Tables.Select(table => table with { Where = "true" }),
            ])
        );
        Assert.Empty(await TracesAsync(shop));
        Assert.False(await shop.ExistsAsync());
        Assert.False(
            await shop.Maintenance.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = @Reader)",
                new { shop.Reader }
            )
        );
        Assert.False(File.Exists(shop.RoutingFile));
        await shop.WriteAsync();
    }

    /// <summary>The tenant is back in the shared database with everything that was written in its own.</summary>
    public static async Task MustBeHomeAsync(this CrashFixture shop)
    {
        Assert.Empty(await new DatabaseComparer(shop.Shared, shop.Isolated).CompareRowsAsync(CrashFixture.Tables));
        Assert.Equal("shared", await shop.ModeAsync());
        Assert.Empty(await TracesAsync(shop));
        await shop.OthersMustBeUntouchedAsync();
        await shop.WriteAsync();
    }

    /// <summary>
    /// The tenant's rows are in its own database alone, and nothing of the move is left but its history.
    /// </summary>
    public static async Task MustBeFinalizedAsync(this CrashFixture shop)
    {
        // The flip changed the tenant's own row.
        Assert.DoesNotContain(
            await new DatabaseComparer(shop.Began, shop.Isolated).CompareRowsAsync(CrashFixture.Tables),
            difference => !difference.StartsWith("rows: public.tenants ", StringComparison.Ordinal)
        );
        foreach (
            var table in CrashFixture.Tables.Where(table => table.Where != "true" && table.Table != "public.tenants")
        )
            Assert.Equal(
                0,
                await shop.Shared.ScalarAsync<long>($"SELECT count(*) FROM {table.Table} t WHERE {table.Where}")
            );
        Assert.Equal("isolated", await shop.ModeAsync());
        var traces = await TracesAsync(shop);
        Assert.Contains(traces, trace => trace.StartsWith("trigger ~tenant_promotion_fence", StringComparison.Ordinal));
        Assert.All(traces, trace => Assert.Matches("^(trigger|function) ~tenant_promotion_fence|^guard ", trace));
        await shop.OthersMustBeUntouchedAsync();
    }

    /// <summary>The other tenants' rows are what they were.</summary>
    public static async Task OthersMustBeUntouchedAsync(this CrashFixture shop)
    {
        foreach (var table in CrashFixture.Tables.Where(table => table.Where != "true"))
        {
            var others = $"SELECT t::text FROM {table.Table} t WHERE ({table.Where}) IS NOT TRUE ORDER BY 1";
            Assert.Equal(await shop.Began.QueryAsync<string>(others), await shop.Shared.QueryAsync<string>(others));
        }
    }

    static async Task<IReadOnlyList<string>> TracesAsync(CrashFixture shop) =>
        [
            .. await shop.Shared.QueryAsync<string>(
                """
                SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname ~ 'tenant_promotion'
                UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proname ~ '^~tenant_promotion'
                UNION ALL SELECT 'guard ' || tenant_slug FROM tenant_promotion.guard
                """
            ),
            .. await OpenEndsAsync(shop),
        ];

    // Sessions end a moment after the process.
    static async Task<IReadOnlyList<string>> OpenEndsAsync(CrashFixture shop)
    {
        await Waiting.UntilSessionsEndAsync(shop.Shared, shop.Slug);
        return await shop.Shared.QueryAsync<string>(
            """
            SELECT 'lock ' || objid FROM pg_locks
            WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            role: EmbeddedCluster.Superuser
        );
    }
}
