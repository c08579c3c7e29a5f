using Dapper;
using Npgsql;

namespace Migrator.Tests.Online.Stress;

/// <summary>What happens inside one transaction of a writer: all kinds of changes, in and out of savepoints.</summary>
sealed class WriterTurmoil(WriterSession session, int[] tenants)
{
    readonly ProjectWrites projects = new(session);
    readonly TaskWrites tasks = new(session);
    readonly CommentWrites comments = new(session);
    readonly ReactionWrites reactions = new(session);
    readonly CounterWrites counters = new(session);
    readonly EventWrites events = new(session);
    readonly BadgeWrites badges = new(session);
    readonly NoteWrites notes = new(session);
    readonly TravellingRows travelling = new(session, tenants);

    /// <param name="moving">Rows of one tenant become the other's first.</param>
    public async Task ChangeAsync(NpgsqlTransaction transaction, int tenant, bool moving)
    {
        if (moving)
            await travelling.MoveAsync();
        for (var steps = session.Random.Next(1, 5); steps > 0; steps--)
            if (session.Random.Next(8) == 0)
                await InSavepointAsync(transaction, tenant);
            else
                await ChangeAsync(tenant);
    }

    async Task InSavepointAsync(NpgsqlTransaction transaction, int tenant)
    {
        var until = session.Mine.Copy();
        await transaction.SaveAsync("here");
        for (var steps = session.Random.Next(1, 3); steps > 0; steps--)
            await ChangeAsync(tenant);
        if (session.Random.Next(2) == 0)
        {
            await transaction.RollbackAsync("here");
            session.Mine = until;
        }
        else
            await transaction.ReleaseAsync("here");
    }

    Task ChangeAsync(int tenant) =>
        session.Random.Next(30) switch
        {
            0 => HeatAsync(tenant),
            1 => LookAsync(tenant),
            < 9 => projects.ChangeAsync(tenant),
            < 16 => tasks.ChangeAsync(tenant),
            < 20 => comments.ChangeAsync(tenant),
            < 22 => reactions.ChangeAsync(tenant),
            < 24 => counters.ChangeAsync(tenant),
            < 26 => events.ChangeAsync(tenant),
            < 28 => badges.ChangeAsync(tenant),
            _ => notes.ChangeAsync(tenant),
        };

    // The one row that all writers of the tenant change.
    async Task HeatAsync(int tenant)
    {
        var changed = await session.Connection.ExecuteAsync(
            "UPDATE counters SET value = value + 1 WHERE tenant_id = @tenant AND n = 0",
            new { tenant }
        );
        session.Require(1, changed, "rows that are everybody's");
        session.Mine.Heat(tenant);
        session.Mine.Record(tenant, "UPDATE counters 0");
    }

    // What was acknowledged can be read, at any moment, where the tenant is.
    async Task LookAsync(int tenant)
    {
        if (session.Any("projects", tenant) is not { } project)
            return;
        var there = await session.FindAsync("tasks", "project_id = @Key::uuid", new { project.Key });
        session.Require(Lines(session.Mine.Children(project)), Lines(there), "a project's tasks");
    }

    static string Lines(IEnumerable<HeldRow> rows) =>
        string.Join('\n', rows.Select(row => row.Text).Order(StringComparer.Ordinal));
}
