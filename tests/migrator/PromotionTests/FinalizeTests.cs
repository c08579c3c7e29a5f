using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>Finalize deletes the tenant's rows and no other, whatever holds on to them.</summary>
public sealed class FinalizeTests(Servers servers)
{
    // Rows that hold each other: in a chain, in circles that may and may not let go, by a key of two columns, by a
    // reference to themselves.
    const string Schema = """
        CREATE TABLE notes (
            id integer PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, parent_id integer REFERENCES notes,
            body text);
        CREATE TABLE remarks (id integer PRIMARY KEY, note_id integer NOT NULL REFERENCES notes, body text);
        CREATE TABLE votes (
            remark_id integer NOT NULL REFERENCES remarks, voter integer NOT NULL, PRIMARY KEY (remark_id, voter));
        CREATE TABLE selves (
            id integer PRIMARY KEY, tenant_id bigint NOT NULL, twin integer NOT NULL REFERENCES selves DEFERRABLE);
        CREATE TABLE lists (id integer PRIMARY KEY, tenant_id bigint NOT NULL, first_item integer NOT NULL);
        CREATE TABLE items (
            id integer PRIMARY KEY, tenant_id bigint NOT NULL,
            list_id integer NOT NULL REFERENCES lists DEFERRABLE INITIALLY DEFERRED);
        ALTER TABLE lists ADD FOREIGN KEY (first_item) REFERENCES items DEFERRABLE INITIALLY DEFERRED;
        CREATE TABLE teams (
            tenant_id bigint NOT NULL REFERENCES tenants, id integer NOT NULL, lead_id integer,
            PRIMARY KEY (tenant_id, id));
        CREATE TABLE people (
            tenant_id bigint NOT NULL, id integer NOT NULL, team_id integer, PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, team_id) REFERENCES teams);
        ALTER TABLE teams ADD FOREIGN KEY (tenant_id, lead_id) REFERENCES people;
        CREATE TABLE watches (id integer PRIMARY KEY, tenant_id bigint NOT NULL, note_id integer REFERENCES notes);
        CREATE TABLE loose (tenant_id bigint, word text);
        CREATE TABLE days (
            tenant_id bigint NOT NULL, day date NOT NULL, PRIMARY KEY (tenant_id, day)) PARTITION BY RANGE (day);
        CREATE TABLE days_old PARTITION OF days FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
        CREATE TABLE days_new PARTITION OF days DEFAULT;
        CREATE TABLE history (tenant_id bigint NOT NULL, operation text NOT NULL);
        CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO public.history VALUES (OLD.tenant_id, TG_OP); RETURN NULL; END $$;
        CREATE TRIGGER notes_remember AFTER UPDATE OR DELETE ON notes FOR EACH ROW EXECUTE FUNCTION remember();
        INSERT INTO notes SELECT n, 1 + n % 2, CASE WHEN n > 2 THEN n - 2 END, 'body' FROM generate_series(1, 20) n;
        INSERT INTO remarks SELECT n, n, 'r' FROM generate_series(1, 20) n;
        INSERT INTO votes SELECT n, 1 FROM generate_series(1, 20) n;
        INSERT INTO selves SELECT n, 1 + n % 2, n FROM generate_series(1, 10) n;
        INSERT INTO lists SELECT t * 10 + n, t, t * 10 + n FROM generate_series(1, 2) t, generate_series(1, 3) n;
        INSERT INTO items SELECT t * 10 + n, t, t * 10 + n FROM generate_series(1, 2) t, generate_series(1, 3) n;
        SET CONSTRAINTS ALL IMMEDIATE;
        INSERT INTO teams SELECT t, n FROM generate_series(1, 2) t, generate_series(1, 3) n;
        INSERT INTO people SELECT t, n, n FROM generate_series(1, 2) t, generate_series(1, 3) n;
        UPDATE teams SET lead_id = id;
        INSERT INTO watches SELECT n, 1 + n % 2, n FROM generate_series(1, 6) n;
        INSERT INTO loose SELECT t, w FROM unnest(ARRAY[1, 2, NULL]) t, unnest(ARRAY['a', 'a', NULL]) w;
        INSERT INTO days SELECT t, date '2023-12-25' + n FROM generate_series(1, 2) t, generate_series(1, 14) n;
        """;

    static IReadOnlyList<TableRows> RowsWhere(string condition) =>
        [
            .. (
                (string[])
                    ["notes", "selves", "lists", "items", "teams", "people", "watches", "loose", "days", "history"]
            ).Select(table => new TableRows($"public.{table}", $"tenant_id {condition}")),
            new("public.remarks", $"note_id IN (SELECT id FROM public.notes WHERE tenant_id {condition})"),
            new(
                "public.votes",
                $"""
                remark_id IN (SELECT r.id FROM public.remarks r JOIN public.notes n ON n.id = r.note_id
                    WHERE tenant_id {condition})
                """
            ),
        ];

    [Theory]
    [SoakData(1)]
    [InlineData(3)]
    [InlineData(10_000)]
    public async Task Deletes_the_tenants_rows_and_leaves_no_trace_but_its_own_row(int batchSize)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await using var before = await Snapshot.OfAsync(move.Shared);
        await move.PromoteAsync(validate: false);
        await using var isolated = await Snapshot.OfAsync(move.Isolated);

        await move.FinalizeAsync(batchSize);

        foreach (var table in RowsWhere("= 1"))
            Assert.Equal(
                0,
                await move.Shared.ScalarAsync<long>($"SELECT count(*) FROM {table.Table} WHERE {table.Where}")
            );
        // Nothing but the tenant's rows: no other tenant's, no nobody's, nothing that a trigger added.
        Assert.Empty(
            await before.ChangedRowsAsync([.. RowsWhere("IS DISTINCT FROM 1"), new("public.tenants", "id <> 1")])
        );
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM votes"));
        Assert.Equal("isolated", await move.ModeAsync());
        Assert.Equal("moved", await move.GuardAsync());
        Assert.Empty(await TenantMove.TracesAsync(move.Shared, fenced: true));
        Assert.False(await TenantMove.HasOwnSchemaAsync(move.Isolated));
        // The reverse publication went with its slot.
        Assert.DoesNotContain(
            await isolated.ChangesAsync(),
            change => !change.Contains("PUBLICATION \"tenant_promotion_")
        );
        Assert.Equal(
            "finalized",
            await move.Shared.ScalarAsync<string>("SELECT state FROM tenant_promotion.promotion")
        );
        Assert.True(File.Exists(move.RoutingFile));
    }

    [Fact]
    public async Task Refuses_rows_that_nobody_verified_unless_forced()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync(
            """
            ALTER TABLE notes DISABLE TRIGGER ALL;
            UPDATE notes SET body = 'only here' WHERE id = 2;
            ALTER TABLE notes ENABLE TRIGGER ALL
            """,
            role: EmbeddedCluster.Superuser
        );
        await using var before = await Snapshot.OfAsync(move.Shared);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync());

        Assert.Equal(ExitCode.Different, refused.Code);
        Assert.Contains("public.notes", refused.Message);
        Assert.DoesNotContain("public.remarks", refused.Message);
        Assert.Contains("--force", refused.Message);
        Assert.Empty(await before.ChangesAsync());

        await move.FinalizeAsync(force: true);

        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
    }

    [Fact]
    public async Task Goes_on_where_another_tenants_reference_stopped_it()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync("INSERT INTO watches VALUES (100, 2, 2)");
        await using var before = await Snapshot.OfAsync(move.Shared);

        var stopped = await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync(batchSize: 2));
        Assert.Equal(ExitCode.Failed, stopped.Code);
        Assert.Contains("watches", stopped.Message);
        Assert.Equal("moved", await move.GuardAsync());

        await move.Shared.ExecuteAsync("DELETE FROM watches WHERE id = 100");
        await move.FinalizeAsync(batchSize: 2);

        foreach (var table in RowsWhere("= 1"))
            Assert.Equal(
                0,
                await move.Shared.ScalarAsync<long>($"SELECT count(*) FROM {table.Table} WHERE {table.Where}")
            );
        Assert.All(
            await before.ChangedRowsAsync(RowsWhere("IS DISTINCT FROM 1")),
            change => Assert.Contains("watches", change)
        );
        Assert.Empty(await TenantMove.TracesAsync(move.Shared, fenced: true));
    }

    [Fact]
    public async Task There_is_nothing_to_finalize_before_the_flip_after_a_rollback_or_twice()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        Assert.Equal(ExitCode.Refused, (await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync())).Code);
        await move.PromoteAsync(stopBefore: PhaseName.CutOver);
        Assert.Equal(ExitCode.Refused, (await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync())).Code);
        await move.PromoteAsync(validate: false);
        await move.RollBackAsync();
        Assert.Equal(ExitCode.Refused, (await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync())).Code);
        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();

        Assert.Equal(ExitCode.Refused, (await Assert.ThrowsAsync<MigratorException>(() => move.FinalizeAsync())).Code);
    }
}
