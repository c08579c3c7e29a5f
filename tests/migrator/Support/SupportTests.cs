using System.Text.RegularExpressions;
using Migrator.Demo;
using Migrator.Embedded;
using Npgsql;

namespace Migrator.Tests.Support;

/// <summary>
/// What the other tests stand on: the databases load, and the comparer sees what is different and nothing else.
/// </summary>
public sealed class SupportTests(Servers servers)
{
    [Theory]
    [InlineData(KeyType.Uuid)]
    [InlineData(KeyType.Text)]
    [SoakData(KeyType.BigInt)]
    public async Task A_kitchen_sink_with_any_type_of_key_equals_its_copy(KeyType keyType)
    {
        await using var sink = await KitchenSink.CreateAsync(
            servers,
            keyType,
            forceRowSecurity: keyType == KeyType.Text
        );
        await using var copy = await CopyAsync(sink.Database);

        Assert.Empty(await new DatabaseComparer(sink.Database, copy).CompareAsync(Everything));
        Assert.Empty(await new DatabaseComparer(sink.Database, copy, byCatalog: true).CompareSchemasAsync());
        // The copy holds the other tenants' rows as well; asked for one tenant's, the comparer must say so for each
        // table.
        var surplus = await new DatabaseComparer(sink.Database, copy).CompareRowsAsync(KitchenSink.RowsOf(sink.Key));
        foreach (
            var table in KitchenSink
                .RowsOf(sink.Key)
                .Where(table => table.Where != "true" && table.Table != "sink.empty_everywhere")
        )
            Assert.Contains(
                surplus,
                difference => difference.StartsWith($"rows: {table.Table} has in addition", StringComparison.Ordinal)
            );
    }

    [Fact]
    public async Task A_kitchen_sink_restored_on_the_other_server_equals_itself_whatever_the_two_versions_are()
    {
        await using var sink = await KitchenSink.CreateAsync(servers);
        await using var restored = await TestDatabase.CreateAsync(
            servers.Dedicated,
            Servers.NewName(),
            sink.Database.Owner
        );
        var archive = Path.GetTempFileName();
        await ClientProgram.RunAsync(
            sink.Database,
            EmbeddedCluster.Superuser,
            "pg_dump",
            ["--format=custom", "--file", archive]
        );
        await ClientProgram.RunAsync(
            restored,
            EmbeddedCluster.Superuser,
            "pg_restore",
            ["--dbname", restored.Name, archive]
        );
        File.Delete(archive);

        Assert.Empty(await new DatabaseComparer(sink.Database, restored).CompareAsync(Everything));
    }

    static readonly (string Fault, string Difference)[] Planted =
    [
        (
            "ALTER TABLE sink.departments ALTER head_id SET DEFAULT 5",
            "(schema|catalog): in addition .*head_id.* (DEFAULT|default) 5"
        ),
        ("DROP INDEX sink.types_range", "(schema|catalog): missing .*CREATE INDEX \"?types_range"),
        ("DROP TRIGGER cards_touch ON sink.cards", "(schema|catalog): missing .*CREATE TRIGGER \"?cards_touch"),
        (
            "ALTER TABLE sink.kept OWNER TO factoryadmin",
            "(schema|catalog): missing .*kept.* (OWNER TO|owner) \"?sink_keeper"
        ),
        ("COMMENT ON COLUMN sink.types.a_text IS 'planted'", "(schema|catalog): in addition .*planted"),
        (
            "REVOKE SELECT ON sink.cards FROM application_role",
            "(schema|catalog): missing .*sink.*cards.*application_role"
        ),
        ("UPDATE sink.types SET a_scaled = 1.2 WHERE a_scaled = 1.1", "rows: sink.types lacks"),
        ("UPDATE sink.long_values SET external = external || '!' WHERE id = 100", "rows: sink.long_values lacks"),
        ("UPDATE sink.hashed SET body = NULL WHERE id = 7", "rows: sink.hashed has in addition"),
        (
            "DELETE FROM sink.no_key WHERE ctid = (SELECT min(ctid) FROM sink.no_key WHERE word = 'dup')",
            "rows: sink.no_key lacks"
        ),
        (
            "INSERT INTO sink.only_tenant SELECT * FROM sink.only_tenant LIMIT 1",
            "rows: sink.only_tenant has in addition"
        ),
        ("CREATE TABLE sink.another ()", "rows: sink.another was not compared"),
        ("SELECT nextval('sink.shared_seq')", "state: missing sink.shared_seq"),
        ("SELECT setval('sink.unused_seq', -5, true)", "state: in addition sink.unused_seq -5 true"),
        ("REFRESH MATERIALIZED VIEW sink.never_filled", "state: in addition sink.never_filled is filled"),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_comparer_sees_every_planted_difference(bool byCatalog)
    {
        await using var sink = await KitchenSink.CreateAsync(servers);
        await using var copy = await CopyAsync(sink.Database);
        foreach (var (fault, _) in Planted)
            await copy.ExecuteAsync(fault, role: EmbeddedCluster.Superuser);

        var differences = await new DatabaseComparer(sink.Database, copy, byCatalog).CompareAsync(Everything);
        foreach (var (_, difference) in Planted)
            Assert.Contains(differences, found => Regex.IsMatch(found, difference));
    }

    [Theory]
    [InlineData("a_numeric = 1.1", "a_numeric = 1.10")]
    [InlineData("a_double = '-0'", "a_double = '0'")]
    [InlineData("a_text = ''", "a_text = NULL")]
    [InlineData("a_citext = 'CiText'", "a_citext = 'CITEXT'")]
    [InlineData("ints = '[0:1]={1,2}'", "ints = '{1,2}'")]
    [InlineData("a_jsonb = '1.1'", "a_jsonb = '1.10'")]
    public async Task The_comparer_tells_values_apart_that_PostgreSQL_calls_equal(string before, string after)
    {
        await using var first = await servers.NewDatabaseAsync(EmbeddedCluster.Superuser);
        await using var second = await servers.NewDatabaseAsync(EmbeddedCluster.Superuser);
        foreach (var (database, value) in new[] { (first, before), (second, after) })
        {
            await database.ExecuteAsync(
                """
                CREATE EXTENSION citext;
                CREATE TABLE t (
                    a_numeric numeric, a_double float8, a_text text, a_citext citext, ints integer[], a_jsonb jsonb);
                INSERT INTO t DEFAULT VALUES;
                """
            );
            await database.ExecuteAsync($"UPDATE t SET {value}");
        }

        Assert.Equal(2, (await new DatabaseComparer(first, second).CompareRowsAsync([new("public.t", "true")])).Count);
        Assert.Empty(await new DatabaseComparer(first, first).CompareRowsAsync([new("public.t", "true")]));
    }

    // Makes each foreign key again, which checks its rows.
    const string CheckForeignKeys = """
        DO $$
        DECLARE
            key record;
        BEGIN
            FOR key IN
                SELECT conrelid::regclass AS name, conname, pg_get_constraintdef(oid) AS definition
                FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
            LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', key.name, key.conname);
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', key.name, key.conname, key.definition);
            END LOOP;
        END
        $$
        """;

    [Fact]
    public async Task The_sample_database_is_the_same_each_time_and_keeps_its_own_constraints()
    {
        await using var first = new TestDatabase(servers.Shared, Servers.NewName(), Servers.Admin);
        await using var second = new TestDatabase(servers.Shared, Servers.NewName(), Servers.Admin);
        foreach (var database in new[] { first, second })
        {
            await SampleDatabase.CreateAsync(database.Cluster, database.Name);
            await SampleDatabase.FillAsync(
                database.Cluster,
                database.Name,
                new(MainRows: 10_000, OtherTenants: 3, OtherRows: 300)
            );
        }

        var tables = await first.QueryAsync<string>(
            """
            SELECT format('%s.%I', relnamespace::regnamespace, relname) FROM pg_class
            WHERE relkind IN ('r', 'p') AND NOT relispartition
                AND relnamespace IN ('public'::regnamespace, 'billing'::regnamespace)
            """
        );
        // A value that the load takes from the clock or from chance would show here.
        Assert.Empty(
            await new DatabaseComparer(first, second).CompareAsync([
                .. tables.Select(table => new TableRows(table, "true")),
            ])
        );

        // Loaded past the foreign keys' triggers; each of them holds nevertheless.
        await first.ExecuteAsync(CheckForeignKeys);
    }

    static IReadOnlyList<TableRows> Everything =>
        [.. KitchenSink.RowsOf("").Select(table => table with { Where = "true" })];

    static async Task<TestDatabase> CopyAsync(TestDatabase database)
    {
        var copy = new TestDatabase(database.Cluster, Servers.NewName(), database.Owner);
        // A template must have no sessions, idle ones in the pool neither.
        NpgsqlConnection.ClearPool(new(database.ConnectionString()));
        NpgsqlConnection.ClearPool(new(database.ConnectionString(EmbeddedCluster.Superuser)));
        var postgres = new TestDatabase(database.Cluster, "postgres", EmbeddedCluster.Superuser);
        await postgres.ExecuteAsync($"CREATE DATABASE {copy.Name} TEMPLATE {database.Name} OWNER {database.Owner}");
        return copy;
    }
}
