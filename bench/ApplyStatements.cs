namespace Bench;

/// <summary>The changes of <see cref="RowChanges"/>: two inserts, two updates and a delete of five.</summary>
/// <param name="seed">The same changes for the same seed.</param>
sealed class ApplyStatements(
    int seed,
    Guid tenant,
    IReadOnlyList<Guid> projects,
    IReadOnlyList<Guid> tasks,
    IReadOnlyList<Guid> comments,
    Queue<(Guid Id, string CreatedAt)> events
)
{
    readonly Random random = new(seed);
    int number;

    public IReadOnlyList<string> Transaction(int most) =>
        [.. Enumerable.Range(0, Math.Min(most, random.Next(10, 101))).Select(_ => Next())];

    string Next()
    {
        number++;
        return random.Next(10) switch
        {
            < 2 => $"""
                INSERT INTO comments (id, task_id, body, created_at, updated_at)
                    VALUES ('{Id()}', '{One(tasks)}', 'changed {number}', '2025-08-01', '2025-08-01')
                """,
            < 4 => $"UPDATE comments SET body = 'changed {number}' WHERE id = '{One(comments)}'",
            < 6 => $"""
                UPDATE tasks SET title = 'changed {number}', priority = {random.Next(1, 6)}
                    WHERE id = '{One(tasks)}'
                """,
            < 8 when events.TryDequeue(out var gone) =>
                $"DELETE FROM agent_events WHERE id = '{gone.Id}' AND created_at = '{gone.CreatedAt}'",
            _ => $$"""
                INSERT INTO agent_events (id, tenant_id, project_id, kind, payload, created_at)
                    VALUES ('{{Id()}}', '{{tenant}}', '{{One(projects)}}', 'message',
                        '{"text": "changed {{number}}"}', '2025-08-01')
                """,
        };
    }

    Guid One(IReadOnlyList<Guid> ids) => ids[random.Next(ids.Count)];

    Guid Id()
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new(bytes);
    }
}
