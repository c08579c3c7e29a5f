namespace Migrator.Tests.Online.Stress;

/// <summary>Tasks: several at once, under a project and under one another.</summary>
sealed class TaskWrites(WriterSession session) : TableWrites(session, "tasks")
{
    public override Task ChangeAsync(int tenant)
    {
        if (Any("projects", tenant) is not { } project)
            return Task.CompletedTask;
        var task = Any(Mine.Children(project));
        return (task is null ? 0 : Random.Next(9)) switch
        {
            < 3 when task is null || Mine.Of("tasks").Count() < 4 * Enough => InsertAsync(tenant, project),
            < 5 => RenameAllAsync(project),
            5 => ChangeAsync(task!),
            6 => MoveUnderAnotherAsync(task!, Any(Mine.Children(project))!),
            _ => DeleteAsync(task!, project),
        };
    }

    Task InsertAsync(int tenant, HeldRow project)
    {
        var count = Random.Next(1, 5);
        return RowsAsync(
            count,
            """
            INSERT INTO tasks AS t (tenant_id, project_id, title, body)
                SELECT @tenant, @Key::uuid, @text || n, @body FROM generate_series(1, @count) n
            """,
            new
            {
                tenant,
                project.Key,
                text = NewText(),
                body = Session.Large(),
                count,
            }
        );
    }

    Task RenameAllAsync(HeldRow project) =>
        RowsAsync(
            Mine.Children(project).Count(),
            "UPDATE tasks AS t SET title = @text || id % 10 WHERE project_id = @Key::uuid",
            new { project.Key, text = NewText() }
        );

    Task ChangeAsync(HeldRow task) =>
        OneAsync(
            "UPDATE tasks AS t SET title = @text, body = @body WHERE id = @Key::bigint",
            new
            {
                task.Key,
                text = NewText(),
                body = Session.Large(),
            }
        );

    Task MoveUnderAnotherAsync(HeldRow task, HeldRow parent) =>
        OneAsync(
            "UPDATE tasks AS t SET parent_id = @parent::bigint WHERE id = @Key::bigint",
            new { task.Key, parent = parent.Key }
        );

    async Task DeleteAsync(HeldRow task, HeldRow project)
    {
        await RowsAsync(
            Mine.Children(project).Count(row => row.Extra == task.Key),
            "UPDATE tasks AS t SET parent_id = NULL WHERE parent_id = @Key::bigint",
            new { task.Key }
        );
        await OneAsync("DELETE FROM tasks AS t WHERE id = @Key::bigint", new { task.Key });
    }
}
