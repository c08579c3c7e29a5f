namespace Migrator.Tests.Online.Stress;

/// <summary>Projects: slugs that change places, keys that change with all that refers to them, large documents.</summary>
sealed class ProjectWrites(WriterSession session) : TableWrites(session, "projects")
{
    public override Task ChangeAsync(int tenant)
    {
        var project = Any("projects", tenant);
        var few = Mine.Of("projects").Count() < Enough;
        // As many as there may be, and all of them are the other tenant's.
        if (project is null && !few)
            return Task.CompletedTask;
        return (project is null ? 0 : Random.Next(8)) switch
        {
            < 2 when few => InsertAsync(tenant),
            < 4 => RenameAsync(project!),
            4 => ChangeDocumentAsync(project!),
            5 when Any("projects", tenant) is { } other && other != project => ExchangeSlugsAsync(project!, other),
            6 => RekeyAsync(project!, tenant),
            _ => DeleteAsync(project!),
        };
    }

    Task InsertAsync(int tenant) =>
        OneAsync(
            """
            INSERT INTO projects AS t (id, tenant_id, slug, name, document)
                VALUES (@id, @tenant, @slug, @text, @document)
            """,
            new
            {
                id = Session.NewKey(),
                tenant,
                slug = FreeSlug(),
                text = NewText(),
                document = Session.Large(),
            }
        );

    Task RenameAsync(HeldRow project) =>
        OneAsync("UPDATE projects AS t SET name = @text WHERE id = @Key::uuid", new { project.Key, text = NewText() });

    Task ChangeDocumentAsync(HeldRow project) =>
        OneAsync(
            "UPDATE projects AS t SET document = @document WHERE id = @Key::uuid",
            new { project.Key, document = Session.Large() }
        );

    async Task ExchangeSlugsAsync(HeldRow project, HeldRow other)
    {
        const string Statement = "UPDATE projects AS t SET slug = @slug WHERE id = @Key::uuid";
        await OneAsync(Statement, new { project.Key, slug = $"w{Session.Number} on the way" });
        await OneAsync(Statement, new { other.Key, slug = project.Extra });
        await OneAsync(Statement, new { project.Key, slug = other.Extra });
    }

    async Task RekeyAsync(HeldRow project, int tenant)
    {
        var id = Session.NewKey();
        var tasks = Mine.Children(project).ToArray();
        Mine.Forget(project);
        await OneAsync("UPDATE projects AS t SET id = @id WHERE id = @Key::uuid", new { project.Key, id });
        // The tasks have followed, by their triggers too.
        foreach (var task in await Session.FindAsync("tasks", "project_id = @id", new { id }))
        {
            Mine.Put(task);
            Mine.Record(tenant, $"UPDATE tasks {task.Key}");
        }
        var followed = Mine.Children(Mine.Find("projects", $"{id}")!).Count();
        Session.Require(tasks.Length, followed, "tasks of a project that got another key");
    }

    async Task DeleteAsync(HeldRow project)
    {
        await Session.RunAsync(
            "tasks",
            Mine.Children(project).Count(),
            "DELETE FROM tasks AS t WHERE project_id = @Key::uuid",
            new { project.Key }
        );
        await OneAsync("DELETE FROM projects AS t WHERE id = @Key::uuid", new { project.Key });
    }

    // One that another row may have had.
    string FreeSlug() =>
        Enumerable
            .Range(0, int.MaxValue)
            .Select(n => $"w{Session.Number}-{n}")
            .First(slug => Mine.Of("projects").All(row => row.Extra != slug));
}
