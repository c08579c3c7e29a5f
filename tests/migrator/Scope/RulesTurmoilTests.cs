using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>
/// All rules of docs/scope.md in one database, under random writes: parents that come and go without a foreign key, rows that
/// start or stop being named, comments whose type changes, templates that become somebody's, jobs that change their account,
/// members who join and leave. What is compared are queries of the test's own.
/// </summary>
public sealed class RulesTurmoilTests(Servers servers)
{
    const int Pace = 20;

    public static TheoryData<int> Rounds => [Soak.Row(6)];

    static readonly (string Table, string Mine)[] Ours =
    [
        ("projects", "tenant_id = 1"),
        ("tasks", $"project_id IN {Mine("projects")}"),
        ("documents", "tenant_id = 1"),
        (
            "document_data",
            "id IN (SELECT data_id FROM documents WHERE tenant_id = 1 UNION SELECT preview_id FROM documents WHERE tenant_id = 1)"
        ),
        ("keys", $"org_id = 1 OR project_id IN {Mine("projects")}"),
        (
            "comments",
            $"subject_type = 'Project' AND subject_id IN {Mine("projects")} "
                + $"OR subject_type = 'Document' AND subject_id IN {Mine("documents")}"
        ),
        ("notes", "tenant_id = 1"),
        ("lines", $"note_id IN {Mine("notes")}"),
        ("jobs", "payload ->> 'account' = '1'"),
        ("steps", "job_id IN (SELECT id FROM jobs WHERE payload ->> 'account' = '1')"),
        ("memberships", "tenant_id = 1"),
        ("events", "subject IN (SELECT 'project/' || id FROM projects WHERE tenant_id = 1)"),
    ];

    // Users 5, 10, … are never the tenant's. Users 7, 14, … are only changed together with a row of the tenant.
    const string Members =
        "(SELECT user_id FROM memberships WHERE tenant_id = 1 UNION SELECT assignee_id FROM tasks WHERE project_id IN "
        + "(SELECT id FROM projects WHERE tenant_id = 1))";

    [Theory]
    [MemberData(nameof(Rounds))]
    public async Task What_is_written_while_rows_change_hands_is_neither_lost_nor_doubled(int rounds)
    {
        var random = Seed.Random();
        for (var round = 0; round < rounds; round++)
            await MoveAsync(random.Next(), round % 2 == 0 ? PromotionOptions.Online : PromotionOptions.Fenced);
    }

    async Task MoveAsync(int seed, string mode)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            RulesTurmoil.Schema,
            tenancy: ScopePattern.Parse(RulesTurmoil.Tenancy)
        );
        move.Mode = mode;

        await new Turmoil(move.Shared, RulesTurmoil.InShared, Pace).DuringAsync(seed, () => move.PromoteAsync());
        await AssertMovedAsync(move);

        var others = await RowsAsync(move.Shared, ours: false);
        var users = await UsersAsync(move.Shared, "true");
        var known = string.Join(", ", await move.Shared.QueryAsync<int>("SELECT id FROM users"));
        await new Turmoil(move.Isolated, RulesTurmoil.InIsolated, Pace).DuringAsync(
            seed + Turmoil.Sessions,
            () => move.RollBackAsync()
        );
        Assert.Equal(await RowsAsync(move.Isolated, ours: true), await RowsAsync(move.Shared, ours: true));
        Assert.Equal(others, await RowsAsync(move.Shared, ours: false));
        Assert.Equal(users, await UsersAsync(move.Shared, $"id IN ({known})"));
        Assert.Equal(
            await move.Isolated.QueryAsync<int>($"SELECT id FROM users WHERE id IN {Members} ORDER BY id"),
            await move.Shared.QueryAsync<int>($"SELECT id FROM users WHERE id IN {Members} ORDER BY id")
        );

        await new Turmoil(move.Shared, RulesTurmoil.InShared, Pace).DuringAsync(
            seed + (2 * Turmoil.Sessions),
            () => move.PromoteAsync()
        );
        await AssertMovedAsync(move);
        var there = await RowsAsync(move.Isolated, ours: true);
        others = await RowsAsync(move.Shared, ours: false);
        users = await UsersAsync(move.Shared, "true");
        await move.FinalizeAsync();
        Assert.Empty(await RowsAsync(move.Shared, ours: true));
        Assert.Equal(others, await RowsAsync(move.Shared, ours: false));
        Assert.Equal(users, await UsersAsync(move.Shared, "true"));
        Assert.Equal(there, await RowsAsync(move.Isolated, ours: true));
    }

    // The tenant's shared rows have stood still since the flip.
    static async Task AssertMovedAsync(TenantMove move)
    {
        Assert.Equal(await RowsAsync(move.Shared, ours: true), await RowsAsync(move.Isolated, ours: true));
        // What is there besides the tenant's is everybody's.
        Assert.Equal(
            await move.Isolated.QueryAsync<string>(
                """
                SELECT 'notes ' || t FROM notes t WHERE tenant_id IS NULL UNION ALL
                SELECT 'lines ' || t FROM lines t WHERE note_id IN (SELECT id FROM notes WHERE tenant_id IS NULL) ORDER BY 1
                """
            ),
            (await RowsAsync(move.Isolated, ours: false)).Order(StringComparer.Ordinal)
        );
        Assert.Empty(await UsersAsync(move.Isolated, "id % 5 = 0"));
        Assert.Equal(
            await UsersAsync(move.Shared, $"id % 7 = 0 AND id IN {Members}"),
            await UsersAsync(move.Isolated, $"id % 7 = 0 AND id IN {Members}")
        );
    }

    static async Task<string[]> RowsAsync(TestDatabase database, bool ours)
    {
        var rows = new List<string>();
        foreach (var (table, mine) in Ours)
            rows.AddRange(
                await database.QueryAsync<string>(
                    $"SELECT '{table} ' || t::text FROM {table} t WHERE ({mine}) IS {(ours ? "" : "NOT ")}TRUE ORDER BY t.id"
                )
            );
        return [.. rows];
    }

    static Task<IReadOnlyList<string>> UsersAsync(TestDatabase database, string which) =>
        database.QueryAsync<string>($"SELECT t::text FROM users t WHERE {which} ORDER BY id");

    static string Mine(string table) => $"(SELECT id FROM {table} WHERE tenant_id = 1)";
}
