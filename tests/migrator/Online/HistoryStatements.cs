namespace Migrator.Tests.Online;

/// <summary>One statement of a random history.</summary>
/// <param name="Verb">What to do, by its place in <see cref="HistoryStatements.All"/>.</param>
/// <param name="First">
/// Which row, by its place in the order of keys; a small number more often than a large one.
/// </param>
/// <param name="Undone">Rolled back to the savepoint before it.</param>
sealed record HistoryStep(int Verb, int First, int Second, int Value, bool Undone);

/// <summary>All that a step may do to the rows that it names by their place; the step's verb says which of it.</summary>
/// <param name="apart">
/// The tenant whose own database this is: its new keys are none that another tenant has. Empty for the shared one.
/// </param>
sealed class HistoryStatements(string apart, HistoryStep step)
{
    /// <summary>How many verbs there are.</summary>
    public static readonly int Count = new HistoryStatements("", new(0, 0, 0, 0, false)).All.Count;

    readonly string id = apart.Length == 0 ? $"{step.Value % 60}" : $"{apart}000000 + {step.Value % 30}";
    readonly string slug = apart.Length == 0 ? $"'p{step.Value % 20}'" : $"'{apart}-{step.Value % 5}'";
    readonly string text = $"'text {step.Value}'";
    readonly string large = step.Value % 5 == 0 ? "NULL" : $"repeat(md5('{step.Value}'), 100)";
    readonly int value = step.Value;
    readonly string project = Row("projects", step.First);
    readonly string task = Row("tasks", step.First);
    readonly string comment = Row("comments", step.First);
    readonly string badge = Row("badges", step.First);
    readonly string happening = Row("events", step.First);
    readonly string tenant = Row("tenants", step.First);
    readonly string otherTenant = Row("tenants", step.Second);

    /// <summary>In an order that recorded histories refer to.</summary>
    public IReadOnlyList<string> All => [.. Inserts, .. Updates, .. OtherKeys, .. Travels, .. Deletes];

    /// <summary>New rows of every table.</summary>
    IEnumerable<string> Inserts =>
        [
            $"INSERT INTO projects VALUES ({id}, {tenant}, {slug}, {text}, {large})",
            $"""
                INSERT INTO tasks SELECT {id}, tenant_id, id, (SELECT min(t.id) FROM tasks t
                    WHERE t.project_id = p.id), {text}, {large} FROM projects p WHERE id = {project}
                """,
            $"""
                INSERT INTO tasks SELECT {id} + n, tenant_id, id, NULL, {text} || n, NULL
                    FROM projects p, generate_series(1, 4) n WHERE id = {project}
                """,
            $"INSERT INTO comments VALUES ({id}, {task}, {text}, {large})",
            $"INSERT INTO reactions VALUES (gen_random_uuid(), {comment}, {text})",
            $"INSERT INTO badges VALUES ({id}, {tenant}, {text}, {large})",
            $"INSERT INTO events VALUES ({id}, {tenant}, date '2024-01-01' + {value}, {text})",
            $"INSERT INTO notes SELECT {tenant}, {text} FROM generate_series(1, 2)",
        ];

    /// <summary>Changes that leave a row with its key and its tenant.</summary>
    IEnumerable<string> Updates =>
        [
            $"UPDATE projects SET name = {text} WHERE id = {project}",
            $"UPDATE projects SET document = {large} WHERE id = {project}",
            $"UPDATE tasks SET title = {text} || id % 10 WHERE project_id = {project}",
            $"UPDATE tasks SET body = {large} WHERE id = {task}",
            $"UPDATE comments SET body = {text} WHERE id = {comment}",
            $"UPDATE comments SET picture = {large} WHERE id = {comment}",
            $"UPDATE comments SET task_id = {Row("tasks", step.Second)} WHERE id = {comment}",
            $"UPDATE reactions SET kind = {text} WHERE comment_id = {comment}",
            $"UPDATE reactions SET comment_id = {Row("comments", step.Second)} WHERE comment_id = {comment}",
            $"UPDATE badges SET label = {text} WHERE id = {badge}",
            $"UPDATE badges SET picture = {large} WHERE id = {badge}",
            $"UPDATE events SET at = date '2024-01-01' + {value}, body = {text} WHERE id = {happening}",
            $"UPDATE notes SET body = {text} WHERE tenant_id = {tenant}",
        ];

    /// <summary>Other keys, and unique values that change places.</summary>
    IEnumerable<string> OtherKeys =>
        [
            $"UPDATE projects SET id = {id} WHERE id = {project}",
            $"UPDATE tasks SET id = {id} WHERE id = {task}",
            $"UPDATE comments SET id = {id} WHERE id = {comment}",
            $"UPDATE badges SET id = {id}, label = {text} WHERE id = {badge}",
            $"UPDATE projects SET slug = {slug} WHERE id = {project}",
            $"""
                SELECT set_config('swap.one', {Row("projects", step.First, "slug")}, true), set_config('swap.other', {Row(
                    "projects",
                    step.Second,
                    "slug"
                )}, true);
                UPDATE projects SET slug = '~' WHERE slug = current_setting('swap.one');
                UPDATE projects SET slug = current_setting('swap.one') WHERE slug = current_setting('swap.other');
                UPDATE projects SET slug = current_setting('swap.other') WHERE slug = '~'
                """,
        ];

    /// <summary>Projects travel to another tenant with all that belongs to them.</summary>
    string Travel =>
        $"""
            UPDATE tasks SET tenant_id = {otherTenant} WHERE project_id = {project};
            UPDATE projects SET tenant_id = {otherTenant} WHERE id = {project}
            """;

    /// <summary>Rows that become another tenant's.</summary>
    IEnumerable<string> Travels =>
        [
            Travel,
            Travel,
            Travel,
            $"{Travel}; UPDATE projects SET name = {text} WHERE id = {project}",
            $"{Travel}; UPDATE projects SET document = {large} WHERE id = {project}",
            $"UPDATE badges SET tenant_id = {otherTenant} WHERE id = {badge}",
            $"UPDATE badges SET tenant_id = {otherTenant}, id = {id} WHERE id = {badge}",
            $"UPDATE events SET tenant_id = {otherTenant} WHERE id = {happening}",
            $"UPDATE notes SET tenant_id = {otherTenant} WHERE tenant_id = {tenant}",
        ];

    /// <summary>Rows that go, alone or with what refers to them.</summary>
    IEnumerable<string> Deletes =>
        [
            $"DELETE FROM tasks WHERE project_id = {project}; DELETE FROM projects WHERE id = {project}",
            $"UPDATE tasks SET parent_id = NULL WHERE parent_id = {task}; DELETE FROM tasks WHERE id = {task}",
            $"DELETE FROM comments WHERE id = {comment}",
            $"DELETE FROM comments WHERE task_id = {task}",
            $"DELETE FROM badges WHERE id = {badge}",
            $"DELETE FROM events WHERE id = {happening}",
            $"DELETE FROM notes WHERE tenant_id = {tenant}",
        ];

    static string Row(string table, int place, string columns = "id") =>
        $"(SELECT {columns} FROM {table} ORDER BY {columns} "
        + $"OFFSET {place} % greatest((SELECT count(*) FROM {table}), 1) LIMIT 1)";
}
