using Migrator.Embedded;
using Migrator.Model;

namespace Migrator.Tests.Support;

/// <summary>A move during which something else happens, at the moment for which it is meant.</summary>
static class MeddledMove
{
    /// <summary>Promotes while somebody writes in the isolated database as a phase starts.</summary>
    public static Task PromoteMeddledAsync(this TenantMove move, string phase, string sql) =>
        move.PromoteMeddledAsync(phase, () => move.MeddleAsync(sql));

    /// <summary>
    /// Promotes while something else happens as a phase starts for the first time, which waits for it.
    /// </summary>
    public static Task PromoteMeddledAsync(
        this TenantMove move,
        string phase,
        Func<Task> meddle,
        PromotionOptions? options = null
    ) => move.PromoteAsync(options ?? move.Options(), Once(phase, meddle));

    /// <summary>Rolls back while something else happens as a phase starts for the first time, which waits for it.</summary>
    public static Task RollBackMeddledAsync(this TenantMove move, string phase, Func<Task> meddle) =>
        move.RollBackAsync(move.Options(), Once(phase, meddle));

    /// <summary>Writes in the isolated database before the tenant has arrived there, past its guard.</summary>
    public static Task MeddleAsync(this TenantMove move, string sql) =>
        move.Isolated.ExecuteAsync(
            $"""
            SELECT set_config('tenant_promotion.arrival', encode(sha256(convert_to(
                pass || ' ' || pg_current_xact_id()::text, 'UTF8')), 'hex'), true) FROM tenant_promotion.owner;
            {sql}
            """,
            role: EmbeddedCluster.Superuser
        );

    static Action<string> Once(string phase, Func<Task> meddle)
    {
        var done = false;
        return started =>
        {
            if (started != phase || done)
                return;
            done = true;
            Task.Run(meddle).GetAwaiter().GetResult();
        };
    }
}
