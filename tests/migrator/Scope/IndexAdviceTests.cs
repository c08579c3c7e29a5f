using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Where the tenant's rows can be found by no index, preflight prints the index, and counts what it can.</summary>
public sealed class IndexAdviceTests(Servers servers)
{
    // One row of a hundred is tenant 1's, by one of three ways, or because a row names it.
    const string Schema = """
        CREATE TABLE tasks (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        CREATE TABLE blobs (id int PRIMARY KEY);
        CREATE TABLE files (id int PRIMARY KEY, task_id int REFERENCES tasks, org_id bigint, blob_id int);
        CREATE TABLE notes (id int PRIMARY KEY, file_id int);
        INSERT INTO tasks SELECT n, CASE WHEN n <= 200 THEN 1 ELSE 2 END FROM generate_series(1, 20000) n;
        INSERT INTO blobs SELECT n FROM generate_series(1, 20000) n;
        INSERT INTO files SELECT id, CASE id % 2 WHEN 0 THEN id END, CASE id % 2 WHEN 1 THEN tenant_id END, id FROM tasks;
        INSERT INTO notes SELECT id, id FROM files;
        ANALYZE;
        """;

    const string Rules = """
        { "tables": {
            "public.files": { "any_of": [{ "belongs_to": "public.tasks" }, { "tenant": "org_id" }] },
            "public.notes": { "belongs_to": "public.files", "by": { "file_id": "id" } },
            "public.blobs": { "named_by": ["public.files.blob_id"] }
        } }
        """;

    [Fact]
    public async Task Each_way_without_an_index_is_named_once_with_the_index()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: ScopePattern.Parse(Rules));

        var offered = await OfferedAsync(move);

        Assert.Equal(
            [
                """CREATE INDEX CONCURRENTLY ON "public"."files" ("blob_id")""",
                """CREATE INDEX CONCURRENTLY ON "public"."files" ("org_id")""",
                """CREATE INDEX CONCURRENTLY ON "public"."files" ("task_id")""",
                """CREATE INDEX CONCURRENTLY ON "public"."notes" ("file_id")""",
                """CREATE INDEX CONCURRENTLY ON "public"."tasks" ("tenant_id")""",
            ],
            offered
        );
        foreach (var index in offered)
            await move.Shared.ExecuteAsync(index);
        Assert.Empty(await OfferedAsync(move));
    }

    // An index of the rows that name something serves as well; one of some other rows does not.
    [Theory]
    [InlineData("org_id IS NOT NULL", false)]
    [InlineData("task_id IS NULL", true)]
    public async Task An_index_of_some_rows_serves_if_those_are_the_rows_that_count(string which, bool isOffered)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: ScopePattern.Parse(Rules));
        await move.Shared.ExecuteAsync($"CREATE INDEX ON files (org_id) WHERE {which}");

        Assert.Equal(
            isOffered,
            (await OfferedAsync(move)).Any(index => index.Contains("org_id", StringComparison.Ordinal))
        );
    }

    [Fact]
    public async Task The_plan_counts_rows_that_are_the_tenants_in_several_ways()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: ScopePattern.Parse(Rules));

        var plan = (await move.PreflightAsync()).Plan.ToDictionary(one => one.Table.Name.Name, one => one.Rows);

        Assert.Equal((200, 200, 200), (plan["files"], plan["notes"], plan["blobs"]));
    }

    static async Task<string[]> OfferedAsync(TenantMove move) =>
        [
            .. from warning in (await move.PreflightAsync()).Warnings
            let start = warning.IndexOf("CREATE INDEX", StringComparison.Ordinal)
            where start >= 0
            orderby warning[start..]
            select warning[start..].TrimEnd('.'),
        ];
}
