using Migrator.Embedded;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Migrator.Verification;

namespace Migrator.Tests.Verification;

/// <summary>Rows are compared in ranges of keys, at several points and by several runs; none of them is passed over.</summary>
public sealed class RangedVerificationTests(Servers servers)
{
    const string Notes = "public.notes";

    // Half of the notes are the tenant's.
    const string Schema = """
        CREATE TABLE notes (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, title text NOT NULL, document text NOT NULL);
        ALTER TABLE notes ALTER document SET STORAGE EXTERNAL;
        INSERT INTO notes SELECT n, 1 + n % 2, 'note ' || n, repeat(md5(n::text), 100) FROM generate_series(1, 1000) n;
        """;

    static readonly string[] Kinds =
    [
        "n bigint PRIMARY KEY|n",
        "n smallint, PRIMARY KEY (n)|n % 30000",
        "n numeric PRIMARY KEY|n / 7.0",
        "k text PRIMARY KEY|(ARRAY['ä', 'Z-', 'a '])[1 + n % 3] || n",
        "k text COLLATE \"C\" PRIMARY KEY|md5(n::text)",
        "k varchar(12) PRIMARY KEY|'it''s ' || n",
        "k character(8) PRIMARY KEY|n",
        "k uuid PRIMARY KEY|md5(n::text)::uuid",
        "k bytea PRIMARY KEY|sha256(n::text::bytea)",
        "k timestamptz PRIMARY KEY|'2024-01-01'::timestamptz + n * '7 minutes'::interval",
        "k timestamp(0) PRIMARY KEY|'2024-01-01'::timestamp + n * '7 minutes'::interval",
        "k date PRIMARY KEY|'2024-01-01'::date + n::int",
        "k interval PRIMARY KEY|n * '1 minute'::interval",
        "k int4range PRIMARY KEY|int4range(n::int, n::int + 5)",
        "k inet PRIMARY KEY|'10.0.0.0'::inet + n",
        "k boolean, n int, PRIMARY KEY (k, n)|n % 2 = 0, n",
        "k text, n int, u uuid, PRIMARY KEY (k, n, u)|'k' || n % 5, n % 50, md5(n::text)::uuid",
        "n int, k text, PRIMARY KEY (n, k)|n % 4, 'k' || n",
    ];

    [Fact]
    public async Task Every_row_is_in_one_range_whatever_its_key_is_made_of()
    {
        var tables = Kinds.Select(
            (kind, i) =>
                $"CREATE TABLE kind{i} ({kind.Split('|', 2)[0]}, tenant_id bigint NOT NULL DEFAULT 1);"
                + $"INSERT INTO kind{i} SELECT {kind.Split('|', 2)[1]} FROM generate_series(1::bigint, 900) n;"
        );
        const string Partitioned = """
            CREATE TABLE parts (id bigint, at date, tenant_id bigint NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
            CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
            CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
            INSERT INTO parts SELECT n, '2024-06-01'::date + n::int, 1 FROM generate_series(1, 900) n;
            """;
        await using var move = await TenantMove.CreateAsync(servers, string.Join('\n', tables) + Partitioned);
        await using var connection = await move.Shared.OpenAsync();
        var scope = await TenantScope.ReadAsync(connection, move.Tenancy, default);
        var planner = new RangePlanner(connection, connection, scope, move.Tenant(), rowsPerRange: 100);

        foreach (var table in scope.TenantTables.Where(table => table.Scope == TableScope.Direct))
        {
            var ranges = await planner.PlanAsync(table, 900, TestContext.Current.CancellationToken);
            Assert.True(ranges.Count > 4, $"{table.Name} has {ranges.Count} ranges");
            Assert.True(KeyRange.AreAll(ranges));
            var halves = await planner.DivideAsync(table, ranges[^1], TestContext.Current.CancellationToken);
            Assert.True(KeyRange.AreAll([.. ranges.SkipLast(1), halves!.Value.Item1, halves.Value.Item2]));
            var counts = string.Join(
                ", ",
                ranges.Select(range => $"count(*) FILTER (WHERE true{range.And(table.Table, "t")})")
            );
            var rows = await move.Shared.ScalarAsync<long[]>($"SELECT ARRAY[{counts}] FROM {table.Table.From} t");
            Assert.Equal(900, rows.Sum());
            Assert.All(rows, count => Assert.InRange(count, 1, 899));
        }
    }

    [Fact]
    public void Ranges_with_a_gap_or_an_overlap_are_not_all()
    {
        KeyRange[] whole = [new(null, ["b"]), new(["b"], ["d"]), new(["d"], null)];

        Assert.True(KeyRange.AreAll(whole));
        Assert.True(KeyRange.AreAll([KeyRange.Whole]));
        for (var skipped = 0; skipped < whole.Length; skipped++)
            Assert.False(KeyRange.AreAll([.. whole.Where((_, i) => i != skipped)]));
        Assert.False(KeyRange.AreAll([]));
        Assert.False(KeyRange.AreAll([.. whole, whole[1]]));
        Assert.False(KeyRange.AreAll([.. whole, new(["c"], ["d"])]));
        Assert.False(KeyRange.AreAll([new(null, ["b"]), new(["b"], ["b"]), new(["b"], null)]));
    }

    [Theory]
    [InlineData("UPDATE notes SET title = 'planted' WHERE id = 2", "id=2 has other values")]
    [InlineData("DELETE FROM notes WHERE id = 500", "id=500 is missing")]
    [InlineData("INSERT INTO notes VALUES (1001, 1, 'planted', '')", "id=1001 is in the isolated database only")]
    public async Task A_row_that_differs_is_named_in_whatever_range_it_is(string corruption, string named)
    {
        await using var move = await CreateAsync();

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.Verify, () => move.MeddleAsync(corruption), Options(move))
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains("public.notes: " + named, failure.Message, StringComparison.Ordinal);
        Assert.Equal("shared", await move.ModeAsync());
    }

    [Fact]
    public async Task What_was_compared_before_a_run_ended_is_not_compared_again()
    {
        await using var move = await CreateAsync();
        await InterruptAsync(move, _ => Task.CompletedTask);
        var compared = await move.Isolated.ScalarAsync<long>(
            "SELECT sum((recorded -> 'Digest' ->> 'Rows')::bigint)::bigint FROM tenant_promotion.compared WHERE table_name = 'public.notes'"
        );
        Assert.InRange(compared, 1, 499);
        await move.Shared.ExecuteAsync("UPDATE notes SET title = title || '!' WHERE id % 7 = 0");

        var reached = new List<long>();
        var progress = new WatchingProgress(null)
        {
            Reaching = (table, done) =>
            {
                if (table == Notes)
                    lock (reached)
                        reached.Add(done);
            },
        };
        await PromoteAsync(move, progress, TestContext.Current.CancellationToken);

        Assert.Contains(
            progress.Infos,
            said => said.StartsWith("An earlier run has compared", StringComparison.Ordinal)
        );
        Assert.Equal(compared, reached[0]);
        Assert.Equal(500, reached.Max());
        Assert.True(await move.IsIsolatedAsync());
        Assert.Equal(0, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM tenant_promotion.compared"));
    }

    [Fact]
    public async Task A_row_that_changes_after_its_range_was_compared_and_before_the_next_run_is_compared_again()
    {
        await using var move = await CreateAsync();
        var changed = 0L;
        await InterruptAsync(move, async () => changed = await ChangeAsync(move));

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            PromoteAsync(move, new(null), TestContext.Current.CancellationToken)
        );

        Assert.Equal(ExitCode.Different, failure.Code);
        Assert.Contains($"public.notes: id={changed} has other values", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was flipped", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_writes_past_the_triggers_between_two_runs_is_found()
    {
        await using var move = await CreateAsync();
        await InterruptAsync(move, _ => Task.CompletedTask);
        var id = await ComparedAsync(move);
        await move.Isolated.ExecuteAsync(
            $"""
            ALTER TABLE notes DISABLE TRIGGER ALL;
            UPDATE notes SET title = 'planted' WHERE id = {id};
            ALTER TABLE notes ENABLE ALWAYS TRIGGER "~tenant_promotion_arrival";
            """,
            role: EmbeddedCluster.Superuser
        );

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            PromoteAsync(move, new(null), TestContext.Current.CancellationToken)
        );

        Assert.Contains($"public.notes: id={id} has other values", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was flipped", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ranges_that_take_longer_than_a_snapshot_may_are_divided_and_compared_at_many_points()
    {
        await using var move = await CreateAsync("DELETE FROM notes WHERE id > 24;");
        var options = Options(move) with { MaxSnapshot = TimeSpan.FromTicks(1) };
        var writes = 0;
        var phase = "";
        move.Watched = new(started => phase = started)
        {
            Reaching = (table, done) =>
            {
                if (table == Notes && done > 0 && phase == PhaseName.Verify)
                    Run(() => move.Shared.ExecuteAsync($"UPDATE notes SET title = 'no. {++writes}' WHERE id % 3 = 0"));
            },
        };

        await PromoteAsync(move, move.Watched, TestContext.Current.CancellationToken, options);

        Assert.True(writes > 2);
        Assert.True(move.Watched.HasWarned("cannot be compared within --max-snapshot"));
        Assert.Equal(
            await move.Shared.QueryAsync<string>("SELECT title FROM notes WHERE tenant_id = 1 ORDER BY id"),
            await move.Isolated.QueryAsync<string>("SELECT title FROM notes ORDER BY id")
        );
    }

    [Fact]
    public async Task A_row_that_changes_between_two_points_is_compared_again()
    {
        await using var move = await CreateAsync("DELETE FROM notes WHERE id > 24;");
        var changed = 0L;
        move.Watched = new(null)
        {
            Reaching = (table, done) =>
            {
                if (table == Notes && done is > 0 and < 12 && changed == 0)
                    Run(async () => changed = await ChangeAsync(move));
            },
        };

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            PromoteAsync(
                move,
                move.Watched,
                TestContext.Current.CancellationToken,
                Options(move) with
                {
                    MaxSnapshot = TimeSpan.FromTicks(1),
                }
            )
        );

        Assert.Contains($"public.notes: id={changed} has other values", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was flipped", failure.Message, StringComparison.Ordinal);
    }

    Task<TenantMove> CreateAsync(string more = "") => TenantMove.CreateAsync(servers, Schema + more, servers.Dedicated);

    static PromotionOptions Options(TenantMove move) => move.Options() with { Jobs = 1, RowsPerRange = 50 };

    // Ctrl-C in the middle of the comparison, after something else has happened.
    static Task InterruptAsync(TenantMove move, Func<long, Task> meanwhile) => InterruptAsync(move, () => meanwhile(0));

    static async Task InterruptAsync(TenantMove move, Func<Task> meanwhile)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var progress = new WatchingProgress(null)
        {
            Reaching = (table, done) =>
            {
                if (table != Notes || done == 0 || stop.IsCancellationRequested)
                    return;
                Run(meanwhile);
                stop.Cancel();
            },
        };
        var stopped = await Assert.ThrowsAsync<MigratorException>(() => PromoteAsync(move, progress, stop.Token));
        Assert.Equal(ExitCode.Interrupted, stopped.Code);
    }

    static Task PromoteAsync(
        TenantMove move,
        WatchingProgress progress,
        CancellationToken cancellationToken,
        PromotionOptions? options = null
    ) =>
        TenantMove.WithPromotionAsync(
            move.Settings,
            move.Parsed,
            options ?? Options(move),
            progress,
            promotion => promotion.PromoteAsync(cancellationToken)
        );

    // The stream leaves out the large value that the change left alone, so it does not mend it.
    static async Task<long> ChangeAsync(TenantMove move)
    {
        var id = await ComparedAsync(move);
        await move.MeddleAsync($"UPDATE notes SET document = 'planted' WHERE id = {id}");
        await move.Shared.ExecuteAsync($"UPDATE notes SET title = 'touched' WHERE id = {id}");
        return id;
    }

    static Task<long> ComparedAsync(TenantMove move) =>
        move.Isolated.ScalarAsync<long>(
            """
            SELECT min(n.id) FROM notes n JOIN tenant_promotion.compared c ON c.table_name = 'public.notes'
            WHERE c.recorded IS NOT NULL AND (c.after_key IS NULL OR n.id > c.after_key[1]::bigint)
              AND (c.up_to_key IS NULL OR n.id <= c.up_to_key[1]::bigint)
            """
        );

    static void Run(Func<Task> work) => Task.Run(work).GetAwaiter().GetResult();
}
