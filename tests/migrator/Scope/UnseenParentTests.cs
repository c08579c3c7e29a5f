using Dapper;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Scope;

/// <summary>
/// A row is written while the row that makes it the tenant's is still another transaction's: whoever writes cannot see
/// it, and the close must wait for the write all the same.
/// </summary>
public sealed class UnseenParentTests(Servers servers)
{
    // No foreign key leads from lines to orders. Line 1, its note and its tag are nobody's until order 100 comes.
    const string Schema = """
        CREATE TABLE orders (number int PRIMARY KEY, tenant_id bigint NOT NULL);
        CREATE TABLE lines (id int PRIMARY KEY, order_number int);
        CREATE INDEX ON lines (order_number);
        CREATE TABLE notes (id int PRIMARY KEY, line_id int NOT NULL REFERENCES lines);
        CREATE TABLE tags (id int PRIMARY KEY, note_id int NOT NULL REFERENCES notes);
        INSERT INTO orders SELECT n, 1 + n % 2 FROM generate_series(1, 20) n;
        INSERT INTO lines VALUES (11, 1); INSERT INTO notes VALUES (11, 11);
        INSERT INTO lines VALUES (1, 100); INSERT INTO notes VALUES (1, 1); INSERT INTO tags VALUES (1, 1);
        """;

    static readonly Settings.Tenancy Tenancy = ScopePattern.Parse(
        """{ "tables": { "public.lines": { "belongs_to": "public.orders", "by": { "order_number": "number" } } } }"""
    );

    // Order 1, its line 11 and its note 11 are another tenant's until the tenant takes them over.
    const string Arrives = "INSERT INTO orders VALUES (100, 1)";
    const string Travels = "UPDATE orders SET tenant_id = 1 WHERE number = 1";

    // Line 1 was there before the constraint.
    const string NotValid = "ALTER TABLE lines ADD FOREIGN KEY (order_number) REFERENCES orders NOT VALID;";

    public static TheoryData<string, string, string, string, string, string, string> Writes =>
        new([
            .. from mode in new[] { PromotionOptions.Online, PromotionOptions.Fenced }
            from write in new[]
            {
                (Arrives, "lines", "INSERT INTO lines VALUES (2, 100)", "1 2", "1"),
                (Arrives, "notes", "INSERT INTO notes VALUES (2, 1)", "1 2", "1"),
                (Arrives, "tags", "INSERT INTO tags VALUES (2, 1)", "1 2", "1"),
                (Arrives, "tags", "DELETE FROM tags WHERE id = 1", "", "1"),
                (Arrives, "lines", "UPDATE lines SET order_number = 3 WHERE id = 1", "", "1"),
                (Travels, "notes", "INSERT INTO notes VALUES (2, 11)", "2 11", "11"),
                (Travels, "notes", "UPDATE notes SET id = 2 WHERE id = 11", "2", "11"),
            }
            select ("", mode, write.Item1, write.Item2, write.Item3, write.Item4, write.Item5),
            .. from mode in new[] { PromotionOptions.Online, PromotionOptions.Fenced }
            from write in new[]
            {
                ("notes", "INSERT INTO notes VALUES (2, 1)", "1 2", "1"),
                ("tags", "DELETE FROM tags WHERE id = 1", "", "1"),
                ("lines", "UPDATE lines SET order_number = 3 WHERE id = 1", "", "1"),
            }
            select (NotValid, mode, Arrives, write.Item1, write.Item2, write.Item3, write.Item4),
        ]);

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task The_close_waits_for_a_write_whose_parents_were_not_to_be_seen(
        string constraint,
        string mode,
        string first,
        string table,
        string write,
        string acknowledged,
        string refused
    )
    {
        // A server of its own: a slot that is made on the same one would wait for the writes.
        await using var move = await TenantMove.CreateAsync(servers, Schema + constraint, servers.Dedicated, Tenancy);
        move.Mode = mode;
        await using var parent = await move.Shared.OpenAsync();
        await using var writer = await move.Shared.OpenAsync();
        NpgsqlTransaction? inserting = null;
        NpgsqlTransaction? writing = null;

        var promotion = Task.Run(() =>
            move.PromoteMeddledAsync(
                mode == PromotionOptions.Online ? PhaseName.CutOver : PhaseName.CloseGuard,
                async () =>
                {
                    inserting = await parent.BeginTransactionAsync();
                    await parent.ExecuteAsync(first);
                    writing = await writer.BeginTransactionAsync();
                    await writer.ExecuteAsync(write);
                }
            )
        );
        await Waiting.UntilAsync(async () => promotion.IsCompleted || await IsWaitedForAsync(move, parent));
        await inserting!.CommitAsync();
        // The close waits for the write as well, or the tenant moves without it.
        await Waiting.UntilAsync(async () =>
            promotion.IsCompleted
            || await IsWaitedForAsync(move, writer)
            || (first == Travels && await IsLookedAtAsync(move))
        );
        var isAcknowledged = await IsCommittedAsync(writing!);
        await promotion;

        // A write that is refused is repeated by its application, in the isolated database.
        Assert.True(isAcknowledged || table == "lines");
        Assert.Equal(
            isAcknowledged ? acknowledged : refused,
            string.Join(' ', await move.Isolated.QueryAsync<int>($"SELECT id FROM {table} ORDER BY 1"))
        );
    }

    // Both have the lock of a table below: one waits for the guard to open, and would be waited for in vain.
    [Fact]
    public async Task The_close_waits_for_no_write_that_waits_for_the_guard()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated, Tenancy);
        // A slot, which online moves make, would wait for the holder.
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CloseGuard);
        await move.Shared.ExecuteAsync(Travels);
        await using var holder = await move.Shared.OpenAsync();
        await using var holding = await holder.BeginTransactionAsync();
        await holder.ExecuteAsync("UPDATE orders SET tenant_id = 1 WHERE number = 2");

        var promotion = move.PromoteAsync(validate: false, maxPause: TimeSpan.FromMinutes(1));
        await Waiting.UntilAsync(async () => promotion.IsCompleted || await IsWaitedForAsync(move, holder));
        var write = move.Shared.ExecuteAsync("INSERT INTO lines VALUES (3, 1)");
        await Waiting.UntilAsync(async () => write.IsCompleted || await IsWaitingAsync(move, "INSERT INTO lines"));
        await holding.CommitAsync();
        await promotion;

        Assert.False(move.Watched.HasWarned("did not close"));
        Assert.Equal("25006", (await Assert.ThrowsAsync<PostgresException>(() => write)).SqlState);
    }

    // PostgreSQL sees no deadlock: the run holds the gate and asks for no lock.
    [Fact]
    public async Task The_close_gives_way_to_a_write_that_waits_for_one_that_waits_for_the_guard()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated, Tenancy);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CloseGuard);
        await move.Shared.ExecuteAsync(Travels);
        await using var first = await move.Shared.OpenAsync();
        await using var writing = await first.BeginTransactionAsync();
        await first.ExecuteAsync("UPDATE orders SET number = number WHERE number = 3");
        await using var second = await move.Shared.OpenAsync();
        await using var below = await second.BeginTransactionAsync();
        await second.ExecuteAsync("INSERT INTO lines VALUES (4, 3)");
        var waits = second.ExecuteAsync("UPDATE orders SET number = number WHERE number = 3");

        var promotion = move.PromoteAsync(validate: false);
        await Waiting.UntilAsync(async () => promotion.IsCompleted || await IsLookedAtAsync(move));
        await first.ExecuteAsync("UPDATE orders SET number = number WHERE number = 2");
        await writing.CommitAsync();
        await waits;
        await below.CommitAsync();
        await promotion;

        Assert.False(move.Watched.HasWarned("attempt"));
        Assert.Equal(1, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM lines WHERE id = 4"));
    }

    // Whatever hangs on nobody's rows is nobody's, whoever has moved.
    [Fact]
    public async Task Rows_below_nobodys_rows_can_be_written_when_the_tenant_has_moved()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: Tenancy);
        await move.PromoteAsync(validate: false);

        await move.Shared.ExecuteAsync(
            """
            INSERT INTO notes VALUES (3, 1); INSERT INTO tags VALUES (3, 3);
            DELETE FROM tags WHERE id = 1;
            BEGIN;
            INSERT INTO lines VALUES (5, 200); INSERT INTO notes VALUES (5, 5); INSERT INTO orders VALUES (200, 2);
            COMMIT;
            """
        );

        Assert.Equal([3, 5], await move.Shared.QueryAsync<int>("SELECT id FROM notes WHERE id IN (3, 5) ORDER BY 1"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(NotValid)]
    public async Task Rows_come_along_whose_parent_comes_after_they_were_compared(string constraint)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema + constraint, tenancy: Tenancy);

        await move.PromoteMeddledAsync(PhaseName.CutOver, () => move.Shared.ExecuteAsync(Arrives));

        Assert.Equal(
            [1],
            await move.Isolated.QueryAsync<int>(
                "SELECT id FROM tags WHERE note_id IN (SELECT id FROM notes WHERE line_id = 1)"
            )
        );
        await move.FinalizeAsync();
        Assert.Empty(await move.Shared.QueryAsync<int>("SELECT id FROM lines WHERE id = 1"));
    }

    // No lock tells whom the close waits for: it looks at the writers again and again.
    static Task<bool> IsLookedAtAsync(TenantMove move) =>
        move.Shared.ScalarAsync<bool>(
            """
            SELECT EXISTS (
                SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE l.granted AND l.mode = 'ExclusiveLock' AND c.relname LIKE '%\_gate'
                  AND a.query LIKE '%virtualtransaction%')
            """
        );

    static Task<bool> IsWaitingAsync(TenantMove move, string statement) =>
        move.Shared.ScalarAsync<bool>(
            """
            SELECT EXISTS (
                SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND starts_with(query, @statement) AND wait_event_type = 'Lock')
            """,
            new { statement }
        );

    static async Task<bool> IsCommittedAsync(NpgsqlTransaction transaction)
    {
        try
        {
            await transaction.CommitAsync();
            return true;
        }
        catch (PostgresException e) when (e.SqlState == "25006")
        {
            return false;
        }
    }

    // A slot that another test makes waits for every transaction of the server.
    static Task<bool> IsWaitedForAsync(TenantMove move, NpgsqlConnection session) =>
        move.Shared.ScalarAsync<bool>(
            """
            SELECT EXISTS (
                SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND @session = ANY (pg_blocking_pids(pid)))
            """,
            new { session = session.ProcessID }
        );
}
