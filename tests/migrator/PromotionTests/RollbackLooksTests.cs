using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>A rollback looks at both sides first, and names what cannot come home before it writes anything.</summary>
public sealed class RollbackLooksTests(Servers servers)
{
    static readonly string Schema = EmbeddedSql.Read("rollback-looks.sql");

    static readonly IReadOnlyList<TableRows> Tables =
    [
        .. ((string[])["orders", "logs", "traces"]).Select(table => new TableRows($"public.{table}", "true")),
        new("public.lines", "true"),
        new("public.tenants", "true"),
    ];

    [Theory]
    [InlineData(
        PromotionOptions.Online,
        "logs",
        "INSERT INTO logs (id, tenant_id, event) VALUES (900, NULL, 'system')",
        "id=900"
    )]
    [SoakData(
        PromotionOptions.Fenced,
        "logs",
        "INSERT INTO logs (id, tenant_id, event) VALUES (900, NULL, 'system')",
        "id=900"
    )]
    [SoakData(PromotionOptions.Online, "traces", "INSERT INTO traces VALUES (NULL, 'system')", "1 row")]
    [InlineData(PromotionOptions.Fenced, "traces", "INSERT INTO traces VALUES (NULL, 'system')", "1 row")]
    [InlineData(PromotionOptions.Online, "lines", "INSERT INTO lines VALUES (901, NULL, 'stray')", "id=901")]
    [SoakData(PromotionOptions.Fenced, "lines", "INSERT INTO lines VALUES (901, NULL, 'stray')", "id=901")]
    public async Task Rows_without_a_tenant_are_named_and_nothing_is_written(
        string mode,
        string table,
        string statement,
        string sample
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(statement);
        await using var before = await Snapshot.OfAsync(move.Shared);

        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

            Assert.Equal(ExitCode.Different, refused.Code);
            Assert.Contains($"public.{table}", refused.Message);
            Assert.Contains(sample, refused.Message);
            await AssertUntouchedAsync(move, before);
        }
        await move.Isolated.ExecuteAsync(
            $"DELETE FROM {table} WHERE {(table == "lines" ? "order_id" : "tenant_id")} IS NULL"
        );
        await move.RollBackAsync();
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(RowsOfAcme));
    }

    const string FirstMigration = """
        ALTER TABLE orders ADD COLUMN priority integer NOT NULL DEFAULT 7;
        ALTER TABLE logs ALTER COLUMN event TYPE varchar(200);
        ALTER TYPE mood ADD VALUE 'late';
        CREATE TABLE invoices (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, total integer);
        """;

    const string SecondMigration = """
        ALTER TABLE lines ADD COLUMN position integer;
        ALTER TABLE logs ADD COLUMN level integer NOT NULL DEFAULT 0;
        ALTER TABLE logs ALTER COLUMN level DROP DEFAULT;
        CREATE TABLE parcels (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        """;

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task Schemas_that_moved_apart_are_named_all_at_once_and_the_same_migration_leads_home(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("UPDATE orders SET amount = -1 WHERE id = 2");
        await move.Isolated.ExecuteAsync(FirstMigration);
        await move.Isolated.ExecuteAsync("CREATE TABLE empty_here (id bigint)");
        await move.Isolated.ExecuteAsync(
            "INSERT INTO invoices VALUES (1, 1, 10); INSERT INTO orders (tenant_id, amount, priority, feel) VALUES (1, 5, 9, '{late}')"
        );
        await move.Shared.ExecuteAsync(SecondMigration);
        await using var before = await Snapshot.OfAsync(move.Shared);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        AssertNamed(refused);
        await AssertUntouchedAsync(move, before);

        await move.Shared.ExecuteAsync(FirstMigration);
        await move.Isolated.ExecuteAsync("DROP TABLE empty_here; " + SecondMigration);
        await move.RollBackAsync();

        IReadOnlyList<TableRows> all = [.. RowsOfAcme, new("public.invoices", "true"), new("public.parcels", "true")];
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(all));
        Assert.Equal(
            ["-1 7", "5 9"],
            await move.Shared.QueryAsync<string>(
                "SELECT amount || ' ' || priority FROM orders WHERE amount = -1 OR priority = 9 ORDER BY amount"
            )
        );
        Assert.Equal(10, await move.Shared.ScalarAsync<int>("SELECT total FROM invoices"));
    }

    static void AssertNamed(MigratorException refused)
    {
        Assert.Equal(ExitCode.Different, refused.Code);
        foreach (
            var named in (string[])
                ["public.orders.priority", "public.logs.event", "'late'", "public.invoices", "public.logs.level"]
        )
            Assert.Contains(named, refused.Message);
        // What only the shared database has is no loss.
        foreach (var harmless in (string[])["empty_here", "public.lines.position", "public.parcels"])
            Assert.DoesNotContain(harmless, refused.Message);
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task What_got_past_the_shared_guard_is_named_and_goes_with_force_only(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO orders (tenant_id, amount) VALUES (1, 77)");
        await move.Shared.ExecuteAsync(
            """
            ALTER TABLE orders DISABLE TRIGGER USER;
            INSERT INTO orders (id, tenant_id, amount) VALUES (500, 1, 500);
            ALTER TABLE orders ENABLE TRIGGER USER;
            """
        );
        await using var before = await Snapshot.OfAsync(move.Shared);

        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

            Assert.Equal(ExitCode.Different, refused.Code);
            Assert.Contains("public.orders (10 rows recorded, 11 now)", refused.Message);
            Assert.Contains("--force", refused.Message);
            await AssertUntouchedAsync(move, before);
        }
        await move.RollBackAsync(force: true);
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(RowsOfAcme));
        Assert.Equal(1, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders WHERE amount IN (77, 500)"));
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task What_a_failed_rollback_has_copied_back_does_not_stop_the_next_one(string mode)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema + "CREATE TABLE names (tenant_id bigint NOT NULL, name text PRIMARY KEY);"
        );
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO orders (tenant_id, amount) VALUES (1, 77)");
        await move.Isolated.ExecuteAsync("INSERT INTO names VALUES (1, 'coveted')");
        await move.Shared.ExecuteAsync("INSERT INTO names VALUES (2, 'coveted')");
        await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());
        await move.Isolated.ExecuteAsync("UPDATE names SET name = 'other'; DELETE FROM orders WHERE amount = 77");

        await move.RollBackAsync();

        Assert.Empty(
            await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(
                RowsOfAcme.Append(new("public.names", "tenant_id = 1")).ToArray()
            )
        );
    }

    [Theory]
    [SoakData(PromotionOptions.Online, true)]
    [InlineData(PromotionOptions.Online, false)]
    [InlineData(PromotionOptions.Fenced, true)]
    [SoakData(PromotionOptions.Fenced, false)]
    public async Task What_a_failed_rollback_has_copied_back_is_nobodys_fault_and_can_be_deleted(
        string mode,
        bool ended
    )
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema + "CREATE TABLE names (tenant_id bigint NOT NULL, name text PRIMARY KEY);"
        );
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        if (ended)
            await move.FinalizeAsync();
        await move.Isolated.ExecuteAsync(
            "INSERT INTO orders (tenant_id, amount) VALUES (1, 77); INSERT INTO names VALUES (1, 'coveted')"
        );
        await move.Shared.ExecuteAsync("INSERT INTO names VALUES (2, 'coveted')");
        await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());
        Assert.Equal(1, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders WHERE amount = 77"));

        await InjectedFault.RunAsync(move, (int)ExitCode.Done, "verify", "--tenant-slug", move.Slug);
        Assert.Equal("moved", await move.GuardAsync());
        await move.FinalizeAsync();

        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM orders WHERE tenant_id = 1"));
        await move.Shared.ExecuteAsync("DELETE FROM names");
        await move.RollBackAsync();
        Assert.Empty(
            await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(
                RowsOfAcme.Append(new("public.names", "tenant_id = 1")).ToArray()
            )
        );
    }

    static IReadOnlyList<TableRows> RowsOfAcme =>
        [
            .. ((string[])["orders", "logs", "traces"]).Select(table => new TableRows(
                $"public.{table}",
                "tenant_id = 1"
            )),
            new("public.lines", "order_id IN (SELECT id FROM public.orders WHERE tenant_id = 1)"),
            new("public.tenants", "id = 1"),
        ];

    // The shared rows are as they were, the shared guard is closed, and the tenant writes in its own database.
    static async Task AssertUntouchedAsync(TenantMove move, Snapshot before)
    {
        Assert.Empty(await before.ChangedRowsAsync(Tables));
        Assert.Equal("moved", await move.GuardAsync());
        Assert.Equal("isolated", await move.ModeAsync());
        Assert.DoesNotContain(
            await TenantMove.TracesAsync(move.Isolated),
            trace => trace.StartsWith("trigger", StringComparison.Ordinal)
        );
        await move.Isolated.ExecuteAsync("UPDATE orders SET amount = amount WHERE id = 2");
    }
}
