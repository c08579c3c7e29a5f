using CsCheck;
using Migrator.Tests.Support;

namespace Migrator.Tests.Properties;

/// <summary>
/// Whatever the tables look like and whatever the tenant does: it goes whole, and it comes home whole.
/// </summary>
[EveryVersion]
public sealed class RandomDatabaseTests(Servers servers)
{
    static readonly Gen<RandomTable> Tables = Gen.Select(
        Gen.Int[0, 4].Select(n => ((string[])["uuid", "bigint", "text", "composite", "none"])[n]),
        Gen.Int[-1, 3],
        Gen.Bool,
        Gen.Bool,
        Gen.Bool,
        Gen.Bool,
        Gen.Bool,
        Gen.Int[0, 60],
        (key, parent, derived, nullable, self, generated, partitioned, rows) =>
            new RandomTable(key, parent, derived, nullable, self, generated, partitioned, rows)
    );

    static readonly Gen<(RandomTable[] Tables, int Seed)> Databases = Gen.Select(
        Tables.Array[1, 5],
        Gen.Int[1, 1_000_000]
    );

    public static TheoryData<int> Samples => Soak.Rounds(2, 40);

    [Theory]
    [MemberData(nameof(Samples))]
    public Task A_random_tenant_of_a_random_database_goes_and_comes_back(int samples) =>
        Databases.SampleAsync(
            async sample => await GoAndComeBackAsync(sample.Tables, sample.Seed),
            iter: samples,
            seed: Environment.GetEnvironmentVariable("TEST_HISTORY"),
            threads: 1,
            print: sample => RandomSql.Schema(sample.Tables) + $"\nseed {sample.Seed}"
        );

    async Task GoAndComeBackAsync(RandomTable[] tables, int seed)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            RandomSql.Schema(tables) + RandomSql.Rows(tables, seed),
            tables.Length % 2 == 0 ? servers.Dedicated : null
        );
        var ours = RandomSql.Compared(tables, "IS NOT DISTINCT FROM 1");
        await using var before = await Snapshot.OfAsync(move.Shared);

        await move.PromoteAsync(validate: false);

        var comparer = new DatabaseComparer(move.Shared, move.Isolated);
        Assert.Empty(await comparer.CompareRowsAsync(ours));
        Assert.Empty(await comparer.CompareSchemasAsync());
        await move.Isolated.ExecuteAsync(RandomSql.Changes(tables, seed));

        await move.RollBackAsync();

        Assert.Empty(await comparer.CompareRowsAsync(ours));
        Assert.Empty(await before.ChangedRowsAsync(RandomSql.Compared(tables, "IS DISTINCT FROM 1")));
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
    }
}
