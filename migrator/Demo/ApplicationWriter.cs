using Dapper;
using Npgsql;
using TenantRouting;

namespace Migrator.Demo;

/// <summary>
/// One thread of one instance. No other writer touches its rows, so it knows their expected state.
/// </summary>
sealed class ApplicationWriter(TenantRouter router, Ledger ledger, string tenant, string name, double rate, int seed)
{
    // The application chooses the ids, so the database rejects a write that is repeated by mistake.
    const string NewTask = """
        INSERT INTO tasks (id, tenant_id, project_id, title, priority)
        SELECT @task, tenant_id, id, @text, 1 FROM projects ORDER BY id LIMIT 1;
        INSERT INTO comments (id, task_id, body) VALUES (@comment, @task, @text);
        INSERT INTO attachments (comment_id, file_name, checksum, size_bytes)
        VALUES (@comment, @text, sha256(convert_to(@text, 'UTF8')), 1) RETURNING id;
        """;

    const string NewEvent = """
        INSERT INTO agent_events (id, tenant_id, project_id, kind, payload)
        SELECT @id, tenant_id, id, 'message', jsonb_build_object('text', @text::text) FROM projects ORDER BY id LIMIT 1
        """;

    /// <summary>A task of a writer, with the one comment and the one attachment it has.</summary>
    sealed record OwnTask(Guid Id, string Title, Guid Comment, string Body, long Attachment, string File);

    readonly Random random = new(seed);
    readonly List<OwnTask> tasks = [];
    int number;

    public async Task RunAsync(CancellationToken stop)
    {
        var clock = ledger.Clock;
        var (due, interval) = (clock.GetTimestamp(), (long)(clock.TimestampFrequency / rate));
        while (!stop.IsCancellationRequested)
        {
            await WriteAsync();
            // Writes that were missed during a pause are not repeated.
            due = Math.Max(due + interval, clock.GetTimestamp() - interval);
            if (clock.GetElapsedTime(clock.GetTimestamp(), due) is { Ticks: > 0 } early)
                await Task.Delay(early, clock, CancellationToken.None);
        }
    }

    Task WriteAsync()
    {
        number++;
        var text = $"{Ledger.Mark}{name} {number}";
        var old = tasks.Count == 0 ? null : tasks[random.Next(tasks.Count)];
        return (random.Next(20), old) switch
        {
            (< 2, { } task) => DeleteAsync(task),
            (< 7, { } task) => RenameAsync(task, text),
            (< 9, { } task) => CorrectAsync(task, text),
            (< 10, _) => GiveUpAsync(text),
            (< 14, _) => CreateAsync(text),
            _ => HappenAsync(text),
        };
    }

    async Task CreateAsync(string text)
    {
        OwnTask task = new(Guid.NewGuid(), text, Guid.NewGuid(), text, 0, text);
        RowChange[] changes = [];
        var known = await CommitAsync(
            async connection =>
            {
                var attachment = await connection.ExecuteScalarAsync<long>(
                    NewTask,
                    new
                    {
                        task = task.Id,
                        comment = task.Comment,
                        text,
                    }
                );
                task = task with { Attachment = attachment };
                changes =
                [
                    new("tasks", $"{task.Id}", null, text),
                    new("comments", $"{task.Comment}", null, text),
                    new("attachments", $"{attachment}", null, text),
                    new("audit_logs", "insert " + text, null, ""),
                ];
            },
            () => changes
        );
        if (known)
            tasks.Add(task);
    }

    async Task RenameAsync(OwnTask task, string text)
    {
        tasks.Remove(task);
        var known = await CommitAsync(
            connection =>
                OneRowAsync(
                    connection,
                    "UPDATE tasks SET title = @text WHERE id = @Id AND title = @Title",
                    new
                    {
                        task.Id,
                        task.Title,
                        text,
                    }
                ),
            () => [new("tasks", $"{task.Id}", task.Title, text), new("audit_logs", "update " + text, null, "")]
        );
        if (known)
            tasks.Add(task with { Title = text });
    }

    async Task CorrectAsync(OwnTask task, string text)
    {
        tasks.Remove(task);
        const string body = "UPDATE comments SET body = @text WHERE id = @Comment AND body = @Body";
        const string file = "UPDATE attachments SET file_name = @text WHERE id = @Attachment AND file_name = @File";
        var known = await CommitAsync(
            async connection =>
            {
                await OneRowAsync(
                    connection,
                    body,
                    new
                    {
                        task.Comment,
                        task.Body,
                        text,
                    }
                );
                await OneRowAsync(
                    connection,
                    file,
                    new
                    {
                        task.Attachment,
                        task.File,
                        text,
                    }
                );
            },
            () =>
                [
                    new("comments", $"{task.Comment}", task.Body, text),
                    new("attachments", $"{task.Attachment}", task.File, text),
                ]
        );
        if (known)
            tasks.Add(task with { Body = text, File = text });
    }

    // The delete cascades to comment and attachment.
    Task DeleteAsync(OwnTask task)
    {
        tasks.Remove(task);
        return CommitAsync(
            connection =>
                OneRowAsync(
                    connection,
                    "DELETE FROM tasks WHERE id = @Id AND title = @Title",
                    new { task.Id, task.Title }
                ),
            () =>
                [
                    new("tasks", $"{task.Id}", task.Title, null),
                    new("comments", $"{task.Comment}", task.Body, null),
                    new("attachments", $"{task.Attachment}", task.File, null),
                    new("audit_logs", "delete " + task.Title, null, ""),
                ]
        );
    }

    Task HappenAsync(string text)
    {
        var id = Guid.NewGuid();
        return CommitAsync(
            connection => OneRowAsync(connection, NewEvent, new { id, text }),
            () => [new("agent_events", $"{id}", null, text)]
        );
    }

    // A request that fails half-way. No part of it may ever be visible.
    async Task GiveUpAsync(string text)
    {
        try
        {
            await router.RunAsync<bool>(
                tenant,
                async (connection, _) =>
                {
                    await connection.ExecuteAsync(
                        NewTask,
                        new
                        {
                            task = Guid.NewGuid(),
                            comment = Guid.NewGuid(),
                            text,
                        }
                    );
                    throw new OperationCanceledException("The user changed their mind.");
                }
            );
        }
        catch (OperationCanceledException) { }
    }

    /// <returns>False if the outcome is unknown; the writer then leaves those rows alone.</returns>
    async Task<bool> CommitAsync(Func<NpgsqlConnection, Task> work, Func<RowChange[]> changes)
    {
        var clock = ledger.Clock;
        var (started, attempts, database, known) = (clock.GetTimestamp(), 0, "", true);
        try
        {
            await router.RunAsync(
                tenant,
                async (connection, _) =>
                {
                    attempts++;
                    database = connection.Database;
                    await work(connection);
                    return true;
                }
            );
        }
        catch (OutcomeUnknownException)
        {
            known = false;
        }
        ledger.Note(new(tenant, changes(), database, attempts, started, clock.GetTimestamp(), known));
        return known;
    }

    static async Task OneRowAsync(NpgsqlConnection connection, string sql, object parameters)
    {
        var rows = await connection.ExecuteAsync(sql, parameters);
        if (rows != 1)
            throw new InvalidOperationException(
                $"The application changed {rows} rows of {connection.Database} instead of one: {sql}"
            );
    }
}
