namespace Migrator.Tests.Online.Stress;

/// <summary>Comments belong to the tenant of their task, and change from one task to another.</summary>
sealed class CommentWrites(WriterSession session) : TableWrites(session, "comments")
{
    public override Task ChangeAsync(int tenant)
    {
        if (Any("tasks", tenant) is not { } task)
            return Task.CompletedTask;
        var comment = Any("comments", tenant);
        return (comment is null ? 0 : Random.Next(6)) switch
        {
            < 2 when comment is null || Mine.Of("comments").Count() < 4 * Enough => InsertAsync(task),
            2 => OneAsync(
                "UPDATE comments AS t SET body = @text WHERE id = @Key::bigint",
                new { comment!.Key, text = NewText() }
            ),
            3 => OneAsync(
                "UPDATE comments AS t SET task_id = @task::bigint WHERE id = @Key::bigint",
                new { comment!.Key, task = task.Key }
            ),
            4 => RowsAsync(
                Mine.Children(task).Count(),
                "DELETE FROM comments AS t WHERE task_id = @Key::bigint",
                new { task.Key }
            ),
            _ => OneAsync("DELETE FROM comments AS t WHERE id = @Key::bigint", new { comment!.Key }),
        };
    }

    Task InsertAsync(HeldRow task)
    {
        var count = Random.Next(1, 4);
        return RowsAsync(
            count,
            """
            INSERT INTO comments AS t (task_id, body) SELECT @Key::bigint, @text || n
                FROM generate_series(1, @count) n
            """,
            new
            {
                task.Key,
                text = NewText(),
                count,
            }
        );
    }
}
