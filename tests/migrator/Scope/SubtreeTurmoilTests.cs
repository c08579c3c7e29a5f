using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Trees of tenants whose rows move about while several sessions write, on the way there and on the way home.</summary>
public sealed class SubtreeTurmoilTests(Servers servers)
{
    public static TheoryData<int> Rounds => Soak.Rounds(1, 6);

    [Theory]
    [MemberData(nameof(Rounds))]
    public async Task What_is_written_while_rows_join_and_leave_is_neither_lost_nor_doubled(int rounds)
    {
        var random = Seed.Random();
        for (var round = 0; round < rounds; round++)
            await MoveAsync(random.Next(), isLoose: round % 2 == 1);
    }

    async Task MoveAsync(int seed, bool isLoose)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            isLoose ? SubtreeTests.Loose(SubtreeTests.Schema) : SubtreeTests.Schema,
            tenancy: SubtreeTests.Tenancy
        );

        await TurmoilAsync(move.Shared, seed, () => move.PromoteAsync(), mayLeave: true);
        // The shared rows have stood still since the flip.
        Assert.Equal(await OursAsync(move.Shared), await OursAsync(move.Isolated));
        Assert.Equal(await CountAsync(move.Isolated), (await OursAsync(move.Isolated)).Length);

        var others = await OthersAsync(move.Shared);
        await TurmoilAsync(move.Isolated, seed + Turmoil.Sessions, () => move.RollBackAsync(), mayLeave: false);
        Assert.Equal(await OursAsync(move.Isolated), await OursAsync(move.Shared));
        Assert.Equal(others, await OthersAsync(move.Shared));

        await TurmoilAsync(move.Shared, seed + (2 * Turmoil.Sessions), () => move.PromoteAsync(), mayLeave: true);
        Assert.Equal(await OursAsync(move.Shared), await OursAsync(move.Isolated));
        var there = await OursAsync(move.Isolated);
        others = await OthersAsync(move.Shared);
        await move.FinalizeAsync();
        Assert.Empty(await SubtreeTests.RowsAsync(move.Shared));
        Assert.Equal(others, await OthersAsync(move.Shared));
        Assert.Equal(there, await OursAsync(move.Isolated));
    }

    static async Task<string[]> OursAsync(TestDatabase database) =>
        [
            .. await database.QueryAsync<string>($"{SubtreeTests.Tree} WHERE id {SubtreeTests.Ours} ORDER BY id"),
            .. await SubtreeTests.RowsAsync(database),
        ];

    static async Task<string[]> OthersAsync(TestDatabase database)
    {
        var rows = new List<string>();
        foreach (var (table, mine) in SubtreeTests.Mine.Append(("tenants", $"id {SubtreeTests.Ours}")))
            rows.AddRange(
                await database.QueryAsync<string>(
                    $"SELECT '{table} ' || t::text FROM {table} t WHERE ({mine}) IS NOT TRUE ORDER BY 1"
                )
            );
        return [.. rows];
    }

    static async Task<long> CountAsync(TestDatabase database) =>
        await database.ScalarAsync<long>(
            "SELECT (SELECT count(*) FROM projects) + (SELECT count(*) FROM tasks) + (SELECT count(*) FROM notes) "
                + "+ (SELECT count(*) FROM tenants)"
        );

    static Task TurmoilAsync(TestDatabase database, int seed, Func<Task> verb, bool mayLeave) =>
        new Turmoil(database, (random, fresh) => Statement(random, fresh, mayLeave)).DuringAsync(seed, verb);

    // Rows below one of those that are to stay: in the isolated database nothing may leave the tree.
    // A circle would be a fault of the data: whoever goes below another is a leaf, and its new parent a row of the second level,
    // which goes from the one tenant to the other with all that is below. Rows of such a table move more seldom than others change.
    static string Statement(Random random, int fresh, bool mayLeave)
    {
        const string some = "(SELECT id FROM tenants ORDER BY random() LIMIT 1)";
        const string second =
            "(SELECT id FROM tenants WHERE parent_id IN (1, 2) AND id < 100 ORDER BY random() LIMIT 1)";
        return random.Next(40) switch
        {
            0 when mayLeave => $"UPDATE tenants SET parent_id = 3 - parent_id WHERE id = {second}",
            0 or 1 or 2 => $"UPDATE tenants SET parent_id = coalesce({second}, parent_id) "
                + "WHERE id = (SELECT id FROM tenants WHERE id >= 100 ORDER BY random() LIMIT 1)",
            <= 6 => $"INSERT INTO tenants (id, slug, parent_id) SELECT {fresh}, 's{fresh}', {second}; "
                + $"INSERT INTO projects SELECT {fresh}, {fresh}, 'new'",
            <= 10 =>
                $"UPDATE projects SET tenant_id = {some} WHERE id = (SELECT id FROM projects ORDER BY random() LIMIT 1)",
            <= 16 => $"INSERT INTO notes SELECT {fresh}, {some}, 'new'",
            <= 22 =>
                $"INSERT INTO projects SELECT {fresh}, {some}, 'new'; INSERT INTO tasks VALUES ({fresh}, {fresh}, 'new')",
            <= 28 =>
                $"UPDATE projects SET v = '{fresh}' WHERE id = (SELECT id FROM projects ORDER BY random() LIMIT 1)",
            <= 32 => "DELETE FROM notes WHERE id = (SELECT id FROM notes ORDER BY random() LIMIT 1)",
            _ => $"UPDATE tasks SET v = '{fresh}' WHERE id = (SELECT id FROM tasks ORDER BY random() LIMIT 1)",
        };
    }
}
