namespace Migrator.Tests.Online.Stress;

/// <summary>Rows of one tenant become the other's while both are in the shared database.</summary>
sealed class TravellingRows(WriterSession session, int[] tenants)
{
    public Task MoveAsync()
    {
        var tenant = session.Pick(tenants);
        var other = tenants.Single(one => one != tenant);
        return session.Random.Next(6) switch
        {
            < 3 when session.Any("projects", tenant) is { } project => MoveProjectAsync(project, other),
            3 when session.Any("comments", tenant) is { } comment && session.Any("tasks", other) is { } task =>
                MoveCommentAsync(comment, task),
            4 when Badges(tenant) is { Length: > 0 } badges => MoveBadgesAsync(badges, other),
            _ => MoveSmallRowsAsync(tenant, other),
        };
    }

    // With its tasks, sometimes in two steps.
    async Task MoveProjectAsync(HeldRow project, int other)
    {
        var tasks = session.Mine.Children(project).Count();
        if (session.Random.Next(2) == 0)
            await session.RunAsync(
                "projects",
                1,
                "UPDATE projects AS t SET tenant_id = @other WHERE id = @Key::uuid",
                new { project.Key, other }
            );
        await session.RunAsync(
            "tasks",
            tasks,
            "UPDATE tasks AS t SET tenant_id = @other WHERE project_id = @Key::uuid",
            new { project.Key, other }
        );
        await session.RunAsync(
            "projects",
            1,
            "UPDATE projects AS t SET tenant_id = @other, name = @text WHERE id = @Key::uuid",
            new
            {
                project.Key,
                other,
                text = session.NewText(),
            }
        );
    }

    // A comment travels by its parent alone.
    Task MoveCommentAsync(HeldRow comment, HeldRow task) =>
        session.RunAsync(
            "comments",
            1,
            "UPDATE comments AS t SET task_id = @task::bigint WHERE id = @Key::bigint",
            new { comment.Key, task = task.Key }
        );

    Guid[] Badges(int tenant) => [.. session.Mine.Of("badges", tenant).Select(row => Guid.Parse(row.Key))];

    Task MoveBadgesAsync(Guid[] badges, int other) =>
        session.RunAsync(
            "badges",
            badges.Length,
            "UPDATE badges AS t SET tenant_id = @other WHERE id = ANY (@badges)",
            new { badges, other }
        );

    async Task MoveSmallRowsAsync(int tenant, int other)
    {
        if (session.Any("events", tenant) is { } happened)
            await session.RunAsync(
                "events",
                1,
                "UPDATE events AS t SET tenant_id = @other WHERE id = @Key::uuid",
                new { happened.Key, other }
            );
        if (session.Any("counters", tenant) is { } counter)
            await session.RunAsync(
                "counters",
                1,
                "UPDATE counters AS t SET tenant_id = @other WHERE n = @Key::int",
                new { counter.Key, other }
            );
        if (session.Any("notes", tenant)?.Extra is { } token)
            await session.RunAsync(
                "notes",
                null,
                "UPDATE notes AS t SET tenant_id = @other WHERE token = @token",
                new { token, other }
            );
    }
}
