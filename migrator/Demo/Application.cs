using Dapper;
using Migrator.Embedded;
using Npgsql;
using TenantRouting;

namespace Migrator.Demo;

/// <summary>
/// An application on the <see cref="SampleDatabase"/> with several instances. It writes through a
/// <see cref="TenantRouter"/>, as a role that row-level security applies to, and enters acknowledged writes in
/// the ledger. Disposing stops it.
/// </summary>
public sealed class Application : IAsyncDisposable
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

    // Far longer than every pause: a person has to look at a write that takes longer.
    static readonly TimeSpan RetryTimeout = TimeSpan.FromMinutes(10);

    readonly NpgsqlDataSource shared;
    readonly TenantRouter router;
    readonly CancellationTokenSource stop = new();
    readonly Ledger ledger;
    Task writers = Task.CompletedTask;

    Application(EmbeddedCluster sharedServer, EmbeddedCluster dedicated, string database, Ledger ledger)
    {
        this.ledger = ledger;
        shared = NpgsqlDataSource.Create(sharedServer.ConnectionString(database, SampleDatabase.Application));
        router = new(
            shared,
            name => NpgsqlDataSource.Create(dedicated.ConnectionString(name, SampleDatabase.Application))
        )
        {
            Timeout = RetryTimeout,
        };
    }

    /// <summary>Starts the writers.</summary>
    /// <param name="shared">The server of the shared database.</param>
    /// <param name="dedicated">The server of the isolated one.</param>
    /// <param name="moving">The key of the tenant that moves.</param>
    /// <param name="others">The keys of the tenants that stay.</param>
    /// <param name="database">The shared database's name.</param>
    public static Application Start(
        EmbeddedCluster shared,
        EmbeddedCluster dedicated,
        Ledger ledger,
        string moving,
        IEnumerable<string> others,
        ApplicationLoad load,
        string database = SampleDatabase.Name
    )
    {
        var application = new Application(shared, dedicated, database, ledger);
        application.router.Start();
        Writer[] all =
        [
            .. Enumerable
                .Range(0, load.Writers)
                .Select(n => new Writer(application, moving, $"m{n}", (double)load.Rate / load.Writers, load.Seed + n)),
            .. others
                .Take(load.OtherTenants)
                .Select(
                    (key, n) =>
                        new Writer(
                            application,
                            key,
                            $"o{n}",
                            (double)load.OtherRate / load.OtherTenants,
                            load.Seed + 1000 + n
                        )
                ),
        ];
        application.writers = Task.WhenAll(all.Select(writer => Task.Run(writer.RunAsync)));
        return application;
    }

    /// <summary>Lets each writer finish what it has begun.</summary>
    /// <exception cref="Exception">An error of a writer that no promotion may cause.</exception>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await writers;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        // A caller that needs the writers' errors has called StopAsync.
        await writers.ContinueWith(_ => { }, TaskScheduler.Default);
        await router.DisposeAsync();
        await shared.DisposeAsync();
        stop.Dispose();
    }

    /// <summary>A task of a writer, with the one comment and the one attachment it has.</summary>
    sealed record OwnTask(Guid Id, string Title, Guid Comment, string Body, long Attachment, string File);

    /// <summary>
    /// One thread of one instance. No other writer touches its rows, so it knows their expected state.
    /// </summary>
    sealed class Writer(Application application, string tenant, string name, double rate, int seed)
    {
        readonly Random random = new(seed);
        readonly List<OwnTask> tasks = [];
        int number;

        public async Task RunAsync()
        {
            var clock = application.ledger.Clock;
            var (due, interval) = (clock.GetTimestamp(), (long)(clock.TimestampFrequency / rate));
            while (!application.stop.IsCancellationRequested)
            {
                await WriteAsync();
                // Writes that were missed during a pause are not repeated.
                due = Math.Max(due + interval, clock.GetTimestamp() - interval);
                if (clock.GetElapsedTime(clock.GetTimestamp(), due) is { Ticks: > 0 } early)
                    await Task.Delay(early, clock);
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
            var known = await CommitAsync(
                async connection =>
                {
                    await OneRowAsync(
                        connection,
                        "UPDATE comments SET body = @text WHERE id = @Comment AND body = @Body",
                        new
                        {
                            task.Comment,
                            task.Body,
                            text,
                        }
                    );
                    await OneRowAsync(
                        connection,
                        "UPDATE attachments SET file_name = @text WHERE id = @Attachment AND file_name = @File",
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
                await application.router.RunAsync<bool>(
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
            var clock = application.ledger.Clock;
            var (started, attempts, database, known) = (clock.GetTimestamp(), 0, "", true);
            try
            {
                await application.router.RunAsync(
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
            application.ledger.Note(new(tenant, changes(), database, attempts, started, clock.GetTimestamp(), known));
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
}
