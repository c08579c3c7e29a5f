using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>
/// Rows that come to belong to the tenant, or cease to, while a stream follows it: themselves, or with the row that
/// they hang on.
/// </summary>
public sealed class TravellingRowsTests(Servers servers)
{
    [Theory]
    [InlineData(PhaseName.CatchUp)]
    [SoakData(PhaseName.Verify)]
    [InlineData(PhaseName.CutOver)]
    public async Task Rows_that_travel_and_change_on_their_way_arrive_as_they_are(string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);

        await move.PromoteMeddledAsync(
            phase,
            async () =>
            {
                foreach (var transaction in Transactions)
                    await move.Shared.ExecuteAsync(transaction);
            }
        );

        Assert.Equal(
            await move.Shared.QueryAsync<string>($"SELECT line FROM ({Lines}) l WHERE tenant_id = 1 ORDER BY 1"),
            await move.Isolated.QueryAsync<string>($"SELECT line FROM ({Lines}) l ORDER BY 1")
        );
    }

    // Tasks and their comments 101 to 120 are the tenant's, 201 to 220 another's.
    static readonly string[] Transactions =
    [
        // A derived row that leaves, or arrives, and gets another key, later or at once.
        "UPDATE comments SET task_id = 220 WHERE id = 101",
        "UPDATE comments SET id = 1101 WHERE id = 101",
        "UPDATE comments SET task_id = 120 WHERE id = 201",
        "UPDATE comments SET id = 1201 WHERE id = 201",
        "UPDATE comments SET task_id = 220, id = 1102 WHERE id = 102",
        "UPDATE comments SET task_id = 120, id = 1202 WHERE id = 202",
        "UPDATE comments SET task_id = 220 WHERE id = 103; UPDATE comments SET id = 1103 WHERE id = 103",
        "UPDATE comments SET task_id = 120 WHERE id = 203; UPDATE comments SET id = 1203 WHERE id = 203",
        // A row that brings others with it, and its key changes, with theirs to it.
        "UPDATE tasks SET tenant_id = 2 WHERE id = 104",
        "UPDATE tasks SET id = 1104 WHERE id = 104",
        "UPDATE tasks SET tenant_id = 1 WHERE id = 204",
        "UPDATE tasks SET id = 1204 WHERE id = 204",
        "UPDATE tasks SET tenant_id = 2, id = 1105 WHERE id = 105",
        "UPDATE tasks SET tenant_id = 1, id = 1205 WHERE id = 205",
        // There and back again.
        "UPDATE tasks SET tenant_id = 2 WHERE id = 106",
        "UPDATE comments SET body = 'abroad' WHERE task_id = 106",
        "UPDATE tasks SET tenant_id = 1 WHERE id = 106",
        "UPDATE tasks SET tenant_id = 1 WHERE id = 206",
        "UPDATE comments SET body = 'a guest' WHERE task_id = 206",
        "UPDATE tasks SET tenant_id = 2 WHERE id = 206",
        // What has just arrived goes on changing, and others with it.
        "UPDATE tasks SET tenant_id = 1 WHERE id = 207",
        "INSERT INTO comments VALUES (1207, 207, 'new', NULL); INSERT INTO reactions VALUES (1207, 1207)",
        "UPDATE comments SET id = 1307 WHERE id = 1207",
        "UPDATE tasks SET tenant_id = 1 WHERE id = 208",
        "DELETE FROM comments WHERE id = 208; INSERT INTO comments VALUES (208, 109, 'another', NULL)",
        // Rows whose key reads otherwise in JSON, and to whoever has another time zone.
        "SET TimeZone = 'Asia/Tokyo'; UPDATE events SET tenant_id = 2 WHERE id IN (101, 102)",
        "UPDATE events SET body = 'theirs now' WHERE id = 102",
        "SET DateStyle = 'German'; UPDATE events SET tenant_id = 1 WHERE id IN (201, 202)",
        "UPDATE events SET body = 'ours now' WHERE id = 202",
        // Somebody else's all along.
        "UPDATE comments SET body = 'theirs' WHERE id = 210",
        "UPDATE comments SET id = 1210 WHERE id = 210",
    ];

    const string Schema = """
        CREATE TABLE tasks (
            id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, title text, document text);
        ALTER TABLE tasks ALTER document SET STORAGE EXTERNAL;
        CREATE TABLE comments (
            id int PRIMARY KEY, task_id int NOT NULL REFERENCES tasks ON UPDATE CASCADE, body text, picture text);
        ALTER TABLE comments ALTER picture SET STORAGE EXTERNAL;
        CREATE TABLE reactions (
            id int PRIMARY KEY, comment_id int NOT NULL REFERENCES comments ON UPDATE CASCADE ON DELETE CASCADE);
        CREATE TABLE events (id int, at timestamptz, tenant_id bigint NOT NULL, body text, PRIMARY KEY (id, at));
        ALTER TABLE events ALTER body SET STORAGE EXTERNAL;
        INSERT INTO events SELECT t * 100 + n, timestamptz '2025-08-01 12:00:00.25+00' + n * interval '1 hour', t,
            repeat(md5(n::text), 100) FROM generate_series(1, 2) t, generate_series(1, 5) n;
        INSERT INTO tasks SELECT t * 100 + n, t, 'task', repeat(md5(n::text), 100)
            FROM generate_series(1, 2) t, generate_series(1, 20) n;
        INSERT INTO comments SELECT id, id, 'comment', repeat(md5(id::text), 100) FROM tasks;
        INSERT INTO reactions SELECT id, id FROM comments;
        """;

    const string Lines = """
        SELECT tenant_id, 'task ' || t::text AS line FROM tasks t
        UNION ALL SELECT tenant_id, 'event ' || e::text FROM events e
        UNION ALL SELECT t.tenant_id, 'comment ' || c::text FROM comments c JOIN tasks t ON t.id = c.task_id
        UNION ALL SELECT t.tenant_id, 'reaction ' || r::text
            FROM reactions r JOIN comments c ON c.id = r.comment_id JOIN tasks t ON t.id = c.task_id
        """;
}
