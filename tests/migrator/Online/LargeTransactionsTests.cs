using Dapper;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Streaming;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>Transactions of many rows, which the stream applies piece by piece; and many small ones, which it joins.</summary>
public sealed class LargeTransactionsTests(Servers servers)
{
    const int Rows = 9_000;
    const int Batches = 12;

    static readonly string Notes = $"""
        CREATE TABLE notes (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, n int NOT NULL DEFAULT 1);
        INSERT INTO notes SELECT id, 1 FROM generate_series(1, {Rows}) id;
        """;

    // The stream is held up until the watermark that it waits for and a large transaction behind that are both in the log,
    // and more before them than is read ahead: so both are read without a pause in between.
    [Fact]
    public async Task A_watermark_that_a_large_transaction_follows_comes_through()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var meanwhile = Task.CompletedTask;

        await move.PromoteAsync(
                move.Options(),
                phase =>
                {
                    if (phase == PhaseName.Verify)
                        meanwhile = HoldUpAsync(move).GetAwaiter().GetResult();
                }
            )
            .WaitAsync(Waiting.Limit, TestContext.Current.CancellationToken);

        await meanwhile;
        Assert.Equal((Rows, 1 + 1 + Batches + 1), await CountAsync(move));
    }

    // What is written in the shared database in one transaction is locked there until its end.
    [Fact]
    public async Task What_has_piled_up_comes_home_in_short_transactions()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(validate: false);
        await using (var session = await move.Isolated.OpenAsync(EmbeddedCluster.Superuser))
            await session.ExecuteAsync(
                """
                DO $$
                DECLARE note bigint;
                BEGIN
                    FOR note IN SELECT id FROM notes LOOP
                        UPDATE notes SET n = n + 1 WHERE id = note;
                        COMMIT;
                    END LOOP;
                END $$
                """
            );

        await move.RollBackAsync();

        var transactions = await move.Shared.QueryAsync<long>(
            "SELECT count(*) FROM notes WHERE n = 2 GROUP BY xmin",
            role: EmbeddedCluster.Superuser
        );
        Assert.Equal(Rows, transactions.Sum());
        Assert.All(transactions, rows => Assert.InRange(rows, 1, ChangeReader.EnoughReverseChanges));
    }

    // Returns when the stream cannot go on; what is returned ends when it can.
    static async Task<Task> HoldUpAsync(TenantMove move)
    {
        var since = await move.Shared.ScalarAsync<DateTime>("SELECT clock_timestamp()");
        for (var batch = 0; batch <= Batches; batch++)
            await move.Shared.ExecuteAsync("UPDATE notes SET n = n + 1 WHERE id <= 2000");
        var session = await move.Isolated.OpenAsync(EmbeddedCluster.Superuser);
        await session.ExecuteAsync("BEGIN; SELECT FROM notes WHERE id = 1 FOR UPDATE");
        return GoOnAsync();

        async Task GoOnAsync()
        {
            await using var holding = session;
            await Waiting.UntilAsync(
                move.Shared,
                """
                SELECT EXISTS (SELECT FROM pg_stat_activity
                    WHERE datname = current_database() AND query_start > @since AND query LIKE '%pg_logical_emit_message%'
                      AND pid <> pg_backend_pid())
                """,
                new { since }
            );
            await move.Shared.ExecuteAsync("UPDATE notes SET n = n + 1");
            await session.ExecuteAsync("ROLLBACK TRANSACTION");
        }
    }

    static async Task<(long Rows, int Most)> CountAsync(TenantMove move) =>
        (
            await move.Isolated.QueryAsync<(long, int)>(
                "SELECT count(*), max(n) FROM notes",
                role: EmbeddedCluster.Superuser
            )
        ).Single();
}
