using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Streaming;
using Migrator.Tests.Support;

namespace Migrator.Tests.Streaming;

/// <summary>A publication comes and goes while the application writes the tables in it.</summary>
public sealed class UnpublishingTests(Servers servers)
{
    const int Writers = 16;

    static readonly string Published = string.Join(", ", Enumerable.Range(1, 6).Select(n => $"t{n}"));

    public static TheoryData<int> Rounds => Soak.Rounds(60, 2_000);

    // A publication that is dropped as it stands fails a writer within some dozen rounds.
    [Theory, MemberData(nameof(Rounds))]
    public async Task No_statement_of_the_application_fails(int rounds)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var database = await TestDatabase.CreateAsync(
            servers.Shared,
            "unpublished_" + Guid.NewGuid().ToString("n")[..8],
            EmbeddedCluster.Superuser
        );
        await database.ExecuteAsync(
            string.Concat(
                Published
                    .Split(", ")
                    .Select(table =>
                        $"""
                            CREATE TABLE {table} (id int PRIMARY KEY, n int);
                            INSERT INTO {table} SELECT n, 0 FROM generate_series(1, 99) n;

                            """
                    )
            )
        );
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Writers).Select(n => WriteAsync(database, n, stop.Token)).ToArray();
        await using var connection = await database.OpenAsync();

        for (var round = 0; round < rounds; round++)
        {
            await connection.ExecuteAsync($"CREATE PUBLICATION coming FOR TABLE {Published}", cancellationToken);
            await ReplicationSlot.UnpublishAsync(connection, "coming", TimeProvider.System, cancellationToken);
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(writers), written => Assert.True(written > 0));
    }

    static async Task<long> WriteAsync(TestDatabase database, int seed, CancellationToken stop)
    {
        await using var connection = await database.OpenAsync();
        var random = new Random(seed);
        var written = 0L;
        for (; !stop.IsCancellationRequested || written == 0; written++)
            await connection.ExecuteAsync(
                $"UPDATE t{random.Next(1, 7)} SET n = n + 1 WHERE id = {random.Next(1, 100)}",
                CancellationToken.None
            );
        return written;
    }
}
