using Migrator.Connections;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>Rows without a key move online as well, each as often as it is there.</summary>
public sealed class KeylessRowsTests(Servers servers)
{
    const string Rows =
        "SELECT md5(v::text) || ' ' || count(*) FROM visits v WHERE tenant_id = 1 GROUP BY v::text ORDER BY 1";

    const string Columns = """
        tenant_id bigint NOT NULL REFERENCES tenants,
        person_id int REFERENCES people ON DELETE CASCADE, at timestamptz NOT NULL DEFAULT '2025-01-01', price numeric,
        cash money DEFAULT 1.5, note text, tags text[], raw bytea, ratio float8, twice int GENERATED ALWAYS AS (person_id * 2) STORED
        """;

    const string People =
        "CREATE TABLE people (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, visited int DEFAULT 0);";

    const string Plain = $"CREATE TABLE visits ({Columns});";

    // The partition has its columns in another order.
    const string Partitioned = $"""
        CREATE TABLE visits ({Columns}) PARTITION BY RANGE (at);
        CREATE TABLE visits_old (
            ratio float8, at timestamptz NOT NULL, gone int, tenant_id bigint NOT NULL, person_id int, price numeric, cash money,
            note text, raw bytea, tags text[], twice int GENERATED ALWAYS AS (person_id * 2) STORED);
        ALTER TABLE visits_old DROP COLUMN gone;
        ALTER TABLE visits ATTACH PARTITION visits_old FOR VALUES FROM (MINVALUE) TO ('2025-06-01');
        CREATE TABLE visits_new PARTITION OF visits DEFAULT;
        """;

    const string Filled = """
        INSERT INTO people SELECT t * 1000 + n, t FROM generate_series(1, 2) t, generate_series(1, 40) n;
        INSERT INTO visits (tenant_id, person_id, price, note, tags, raw, ratio)
            SELECT t, t * 1000 + 1 + n % 40, n % 7 / 3.0, CASE n % 3 WHEN 0 THEN 'a "b", c' WHEN 1 THEN '' END,
                   ARRAY['x', NULL, 'y, z'], '\x00ff', n / 7.0
            FROM generate_series(1, 2) t, generate_series(1, 400) n;
        """;

    static readonly string[] Writes =
    [
        "INSERT INTO visits (tenant_id, person_id, note) VALUES (1, 1003, 'again'), (1, 1003, 'again'), (2, 2003, 'other')",
        "UPDATE visits SET price = price + 1.10 WHERE tenant_id = 1 AND person_id = 1004",
        "UPDATE visits SET at = at + interval '8 months' WHERE tenant_id = 1 AND person_id = 1005 AND at < '2025-06-01'",
        "DELETE FROM visits WHERE ctid = (SELECT ctid FROM visits WHERE note = 'again' AND tenant_id = 1 LIMIT 1)",
        "DELETE FROM people WHERE id = 1006; INSERT INTO people VALUES (1006, 1); INSERT INTO visits VALUES (1, 1006)",
        "UPDATE visits SET tenant_id = 2, person_id = 2007 WHERE tenant_id = 1 AND person_id = 1007",
        "UPDATE visits SET tenant_id = 1, person_id = 1007 WHERE tenant_id = 2 AND person_id = 2008",
        "UPDATE people SET visited = visited + 1 WHERE tenant_id = 1",
    ];

    public static TheoryData<string> Schemas => [Plain, Partitioned];

    [Theory, MemberData(nameof(Schemas))]
    public async Task What_changes_meanwhile_arrives_once_each(string schema)
    {
        await using var move = await TenantMove.CreateAsync(servers, People + schema + Filled, servers.Dedicated);
        var writing = WriteAsync(move.Shared, Writes);

        await move.PromoteAsync(validate: false, maxPause: TimeSpan.FromSeconds(20));

        Assert.True(await writing > 20);
        var expected = await move.Shared.QueryAsync<string>(Rows);
        Assert.NotEmpty(expected);
        Assert.Equal(expected, await move.Isolated.QueryAsync<string>(Rows));
        Assert.Equal(
            await move.Shared.QueryAsync<bool>(
                "SELECT convalidated FROM pg_constraint WHERE conrelid = 'visits'::regclass"
            ),
            await move.Isolated.QueryAsync<bool>(
                "SELECT convalidated FROM pg_constraint WHERE conrelid = 'visits'::regclass"
            )
        );

        foreach (var write in Writes.Where(write => !write.Contains('2')))
            await move.Isolated.ExecuteAsync(write);
        await move.RollBackAsync();

        Assert.NotEqual(expected, await move.Shared.QueryAsync<string>(Rows));
        Assert.Equal(await move.Isolated.QueryAsync<string>(Rows), await move.Shared.QueryAsync<string>(Rows));
        await move.PromoteAsync(validate: false, maxPause: TimeSpan.FromSeconds(20));
        await move.FinalizeAsync();
        Assert.Empty(await TenantMove.TracesAsync(move.Shared, fenced: true));
    }

    // What a foreign key does to rows without a key happens on both sides: in the isolated database when the tenant deletes,
    // and in the shared one when the stream does.
    [Theory, InlineData("CASCADE"), SoakData("SET NULL"), InlineData("NO ACTION")]
    public async Task What_changes_on_the_way_home_arrives_once_each(string onDelete)
    {
        var schema = Plain.Replace("ON DELETE CASCADE", $"ON DELETE {onDelete}");
        // So many equal rows that to compare each with each would take minutes.
        const string equal = "INSERT INTO visits (tenant_id, note) SELECT 1, 'same' FROM generate_series(1, 20000);";
        await using var move = await TenantMove.CreateAsync(
            servers,
            People + schema + Filled + equal,
            servers.Dedicated
        );
        await move.PromoteAsync(validate: false);
        string[] writes =
        [
            "INSERT INTO visits (tenant_id, person_id, note) VALUES (1, 1003, 'again'), (1, 1003, 'again')",
            "UPDATE visits SET price = price + 1.10 WHERE person_id = 1004",
            "DELETE FROM visits WHERE ctid = (SELECT ctid FROM visits WHERE note = 'again' LIMIT 1)",
            (onDelete == "NO ACTION" ? "DELETE FROM visits WHERE person_id = 1006;" : "")
                + "DELETE FROM people WHERE id = 1006; INSERT INTO people VALUES (1006, 1)",
            "INSERT INTO visits (tenant_id, person_id) VALUES (1, 1006), (1, 1006)",
            "DELETE FROM visits WHERE ctid = (SELECT ctid FROM visits WHERE person_id IS NULL LIMIT 1)",
            "UPDATE people SET visited = visited + 1",
        ];
        // A row that the stream deletes, and to which rows without a key referred at the flip.
        await move.Isolated.ExecuteAsync(writes[3]);
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(move.Isolated, writes, stop.Token);
        try
        {
            await move.RollBackAsync(maxPause: TimeSpan.FromSeconds(20));
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }

        Assert.True(await writing > 20);
        Assert.NotEmpty(await move.Shared.QueryAsync<string>(Rows));
        Assert.Equal(await move.Isolated.QueryAsync<string>(Rows), await move.Shared.QueryAsync<string>(Rows));
        Assert.Equal(
            400,
            await move.Shared.ScalarAsync<long>("SELECT count(*) FROM visits WHERE tenant_id = 2 AND price IS NOT NULL")
        );
        Assert.False(move.Watched.HasWarned("compar"));
    }

    // The application's loop, until the tenant has moved.
    static async Task<int> WriteAsync(TestDatabase database, string[] writes, CancellationToken stop = default)
    {
        await using var connection = await database.OpenAsync();
        for (var written = 0; ; written++)
            try
            {
                stop.ThrowIfCancellationRequested();
                // On a busy machine nothing follows a writer that never rests.
                await Task.Delay(5, CancellationToken.None);
                await connection.ExecuteAsync(writes[written % writes.Length], CancellationToken.None);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                return written;
            }
    }
}
