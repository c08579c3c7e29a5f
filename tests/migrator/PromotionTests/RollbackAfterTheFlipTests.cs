using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>What the tenant wrote in its own database comes home exactly, and nobody else notices.</summary>
public sealed class RollbackAfterTheFlipTests(Servers servers)
{
    // Triggers that stamp and that write history on both sides: what they wrote in the isolated database comes home,
    // and the coming home itself must not set them off.
    const string Schema = """
        CREATE TABLE notes (
            id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, parent_id bigint REFERENCES notes,
            code text UNIQUE,
            body text NOT NULL, shouted text GENERATED ALWAYS AS (upper(body)) STORED,
            updated_at timestamptz NOT NULL DEFAULT '2024-01-01');
        CREATE TABLE remarks (
            id bigserial PRIMARY KEY, note_id bigint NOT NULL REFERENCES notes ON DELETE CASCADE ON UPDATE CASCADE,
            body text);
        CREATE TABLE pins (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL, slot integer NOT NULL,
            UNIQUE (tenant_id, slot), label text);
        CREATE TABLE lists (id integer PRIMARY KEY, tenant_id bigint NOT NULL, first_item integer NOT NULL);
        CREATE TABLE items (
            id integer PRIMARY KEY, tenant_id bigint NOT NULL,
            list_id integer NOT NULL REFERENCES lists DEFERRABLE INITIALLY DEFERRED);
        ALTER TABLE lists ADD FOREIGN KEY (first_item) REFERENCES items DEFERRABLE INITIALLY DEFERRED;
        CREATE TABLE loose (tenant_id bigint, word text);
        CREATE TABLE days (
            tenant_id bigint NOT NULL, day date NOT NULL, note text, PRIMARY KEY (tenant_id, day)
        ) PARTITION BY RANGE (day);
        CREATE TABLE days_old PARTITION OF days FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
        CREATE TABLE days_new PARTITION OF days DEFAULT;
        CREATE TABLE history (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL, operation text NOT NULL, body text);
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
        CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.history (tenant_id, operation,
                body) VALUES (coalesce(NEW.tenant_id, OLD.tenant_id), TG_OP,
                coalesce(NEW.body, OLD.body)); RETURN NULL; END $$;
        CREATE TRIGGER notes_stamp BEFORE INSERT OR UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION stamp();
        CREATE TRIGGER notes_remember AFTER INSERT OR UPDATE OR DELETE ON notes
            FOR EACH ROW EXECUTE FUNCTION remember();
        ALTER TABLE notes ENABLE ALWAYS TRIGGER notes_remember;
        CREATE TRIGGER tenants_stamp BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION stamp();
        INSERT INTO notes (id, tenant_id, parent_id, code, body)
            SELECT n, 1 + n % 2, CASE WHEN n > 2 THEN n - 2 END, 'c' || n, 'body ' || n FROM generate_series(1, 20) n;
        SELECT setval('notes_id_seq', 20);
        INSERT INTO remarks (note_id, body) SELECT id, 'on ' || id FROM notes, generate_series(1, 2);
        INSERT INTO pins (tenant_id, slot, label) SELECT t, n, 'pin'
            FROM generate_series(1, 2) t, generate_series(1, 5) n;
        INSERT INTO lists SELECT t * 10 + n, t, t * 10 + n FROM generate_series(1, 2) t, generate_series(1, 3) n;
        INSERT INTO items SELECT t * 10 + n, t, t * 10 + n FROM generate_series(1, 2) t, generate_series(1, 3) n;
        SET CONSTRAINTS ALL IMMEDIATE;
        INSERT INTO loose SELECT t, w FROM unnest(ARRAY[1, 2, NULL]) t, unnest(ARRAY['a', 'a', 'b', NULL]) w;
        INSERT INTO days SELECT t, date '2023-12-25' + n, 'day' FROM generate_series(1, 2) t, generate_series(1, 14) n;
        """;

    static readonly IReadOnlyList<TableRows> Tables = RowsWhere("= 1");

    static IReadOnlyList<TableRows> RowsWhere(string condition) =>
        [
            new("public.tenants", $"id {condition}"),
            .. ((string[])["notes", "pins", "lists", "items", "loose", "days", "history"]).Select(
                table => new TableRows($"public.{table}", $"tenant_id {condition}")
            ),
            new("public.remarks", $"note_id IN (SELECT id FROM public.notes WHERE tenant_id {condition})"),
        ];

    [Theory]
    [InlineData("nothing at all", "SELECT 1", Traits = [Soak.Category, Soak.Name])]
    [InlineData(
        "inserts",
        """
            INSERT INTO notes (tenant_id, parent_id, code, body) VALUES (1, 2, 'new', 'new'), (1, NULL, NULL, 'newer');
            INSERT INTO notes (id, tenant_id, parent_id, body)
                VALUES (900, 1, 901, 'child first'), (901, 1, 900, 'and in a circle');
            INSERT INTO remarks (note_id, body) SELECT id, 'remark' FROM notes WHERE code = 'new';
            INSERT INTO loose VALUES (1, 'a'), (1, 'z');
            INSERT INTO lists VALUES (99, 1, 99); INSERT INTO items VALUES (99, 1, 99);
            INSERT INTO pins (tenant_id, slot, label) VALUES (1, 77, 'new')
            """
    )]
    [InlineData(
        "updates that triggers stamp",
        """
            UPDATE notes SET body = body || '!' WHERE id > 10;
            UPDATE remarks SET body = NULL;
            UPDATE pins SET label = 'other'
            """,
        Traits = [Soak.Category, Soak.Name]
    )]
    [InlineData(
        "deletes with cascades",
        """
            DELETE FROM notes WHERE id IN (20, 18);
            DELETE FROM loose WHERE word = 'b';
            DELETE FROM days WHERE day < '2024-01-01'
            """,
        Traits = [Soak.Category, Soak.Name]
    )]
    [InlineData(
        "changed keys",
        """
            UPDATE notes SET id = id + 5000 WHERE id = 20;
            UPDATE days SET day = day + 100 WHERE day = '2023-12-27';
            UPDATE notes SET id = 4000 WHERE id = 4000
            """
    )]
    [InlineData(
        "swapped unique values",
        """
            UPDATE notes SET code = 'x' WHERE id = 2; UPDATE notes SET code = 'c2' WHERE id = 4;
            UPDATE notes SET code = 'c4' WHERE id = 2;
            UPDATE pins SET slot = -slot; UPDATE pins SET slot = 6 + slot
            """
    )]
    [InlineData(
        "re-parented children",
        """
            UPDATE notes SET parent_id = 20 WHERE id = 2;
            UPDATE notes SET parent_id = id;
            UPDATE remarks SET note_id = 2 WHERE note_id = 4
            """
    )]
    [InlineData(
        "deleted parents whose children moved",
        """
            INSERT INTO notes (id, tenant_id, body) VALUES (800, 1, 'new parent');
            UPDATE remarks SET note_id = 800; UPDATE notes SET parent_id = 800 WHERE id <> 800;
            DELETE FROM notes WHERE id <> 800 AND id < 15
            """,
        Traits = [Soak.Category, Soak.Name]
    )]
    [InlineData(
        "everything gone",
        """
            DELETE FROM remarks;
            UPDATE notes SET parent_id = NULL;
            DELETE FROM notes;
            DELETE FROM pins;
            BEGIN;
            DELETE FROM lists;
            DELETE FROM items;
            COMMIT;
            DELETE FROM loose;
            DELETE FROM days;
            DELETE FROM history
            """
    )]
    [InlineData(
        "a row that moved to another partition, and its own settings",
        """
            UPDATE days SET day = '2020-01-01' WHERE day = '2024-01-02';
            UPDATE tenants SET settings = settings || '{"theme": "light"}', plan = 'gold'
            """
    )]
    [InlineData(
        "delete and insert of the same key",
        """
            DELETE FROM remarks WHERE note_id = 20;
            DELETE FROM notes WHERE id = 20;
            INSERT INTO notes (id, tenant_id, code, body) VALUES (20, 1, 'c20', 'reborn')
            """
    )]
    public async Task Whatever_the_tenant_did_meanwhile_comes_home(string what, string statements)
    {
        Assert.NotEmpty(what);
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await using var before = await Snapshot.OfAsync(move.Shared);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(statements);

        await move.RollBackAsync();

        // The isolated database's own row says shared again as well.
        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(Tables));
        Assert.Empty(await before.ChangedRowsAsync(RowsWhere("IS DISTINCT FROM 1")));
        Assert.DoesNotContain(
            await before.ChangesAsync(),
            change =>
                !change.StartsWith("rows:", StringComparison.Ordinal)
                && !change.StartsWith("state:", StringComparison.Ordinal)
        );
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
        Assert.Equal(
            "shared",
            await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1")
        );
        Assert.False(await move.Shared.ScalarAsync<bool>("SELECT settings ? 'isolation' FROM tenants WHERE id = 1"));
        Assert.False(File.Exists(move.RoutingFile));
        await move.Shared.ExecuteAsync(
            """
            UPDATE notes SET body = 'goes on' WHERE tenant_id = 1;
            INSERT INTO notes (tenant_id, body) VALUES (1, 'on')
            """
        );
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            move.Isolated.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (1, 'stale route')")
        );
        Assert.Equal(Npgsql.PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);
    }

    [Fact]
    public async Task A_unique_value_that_another_tenant_has_taken_meanwhile_is_named_and_the_tenant_stays_where_it_is()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO notes (tenant_id, code, body) VALUES (1, 'coveted', 'ours')");
        await move.Shared.ExecuteAsync("INSERT INTO notes (tenant_id, code, body) VALUES (2, 'coveted', 'theirs')");
        await using var before = await Snapshot.OfAsync(move.Shared);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Equal(ExitCode.Different, refused.Code);
        Assert.Contains("public.notes, constraint notes_code_key", refused.Message);
        Assert.DoesNotContain("coveted", refused.Message);
        Assert.Contains("stays in its isolated database", refused.Message);
        Assert.Equal(
            "isolated",
            await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1")
        );
        Assert.Equal("moved", await move.GuardAsync());
        Assert.Empty(await before.ChangedRowsAsync(RowsWhere("IS DISTINCT FROM 1")));
        await move.Isolated.ExecuteAsync("UPDATE notes SET code = 'another' WHERE code = 'coveted'");
        Assert.True(File.Exists(move.RoutingFile));

        await move.RollBackAsync();

        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(Tables));
        Assert.Empty(await before.ChangedRowsAsync(RowsWhere("IS DISTINCT FROM 1")));
    }

    [Fact]
    public async Task A_key_that_another_tenant_has_taken_meanwhile_is_refused_and_the_other_row_stays()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync("INSERT INTO notes (id, tenant_id, body) VALUES (777, 1, 'ours')");
        await move.Shared.ExecuteAsync("INSERT INTO notes (id, tenant_id, body) VALUES (777, 2, 'theirs')");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains("constraint notes_pkey", refused.Message);
        Assert.Contains("777", $"{refused.InnerException}");
        Assert.Equal("theirs", await move.Shared.ScalarAsync<string>("SELECT body FROM notes WHERE id = 777"));
        await move.Isolated.ExecuteAsync("UPDATE notes SET body = 'goes on' WHERE id = 777");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_finalize_everything_comes_back_and_the_tenant_can_move_again(bool dropIsolated)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await using var before = await Snapshot.OfAsync(move.Shared);
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        await move.Isolated.ExecuteAsync(
            """
            UPDATE notes SET body = 'later' WHERE id = 2;
            INSERT INTO notes (tenant_id, body) VALUES (1, 'later');
            DELETE FROM pins
            """
        );
        await using var isolated = await Snapshot.OfAsync(move.Isolated);

        await move.RollBackAsync(dropIsolated);

        Assert.Equal(!dropIsolated, await move.IsolatedExistsAsync());
        Assert.Empty(await before.ChangedRowsAsync(RowsWhere("IS DISTINCT FROM 1")));
        if (!dropIsolated)
            Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(Tables));
        Assert.Equal(11, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant_id = 1"));
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));

        await move.PromoteAsync();

        Assert.Empty(await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync(Tables));
    }

    [Fact]
    public async Task A_kept_database_that_the_application_is_still_connected_to_is_named_and_dropped_later()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        await move.PromoteAsync(validate: false);
        var idle = await move.Isolated.OpenAsync(Demo.SampleDatabase.Application);

        var failure = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync(dropIsolated: true));

        Assert.Contains($"1 of {Demo.SampleDatabase.Application}", failure.Message, StringComparison.Ordinal);
        Assert.Equal(
            "shared",
            await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1")
        );
        Assert.Null(await move.GuardAsync());
        Npgsql.NpgsqlConnection.ClearPool(idle);
        await idle.DisposeAsync();
        await move.RollBackAsync(dropIsolated: true);
        Assert.False(await move.IsolatedExistsAsync());
    }

    [Fact]
    public async Task The_kept_database_is_dropped_on_request_later()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        await move.RollBackAsync();
        Assert.True(await move.IsolatedExistsAsync());

        await move.RollBackAsync(dropIsolated: true);

        Assert.False(await move.IsolatedExistsAsync());
    }

    [Fact]
    public async Task A_tenant_that_came_home_moves_again_with_what_it_wrote_since()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        for (var round = 1; round <= 2; round++)
        {
            await move.PromoteAsync();
            await move.Isolated.ExecuteAsync(
                "INSERT INTO notes (tenant_id, body) VALUES (1, @round)",
                new { round = $"there {round}" }
            );
            await move.RollBackAsync();
            await move.Shared.ExecuteAsync(
                "INSERT INTO notes (tenant_id, body) VALUES (1, @round)",
                new { round = $"here {round}" }
            );
        }

        Assert.Equal(
            ["here 1", "here 2", "there 1", "there 2"],
            await move.Shared.QueryAsync<string>("SELECT body FROM notes WHERE body ~ 'ere' ORDER BY 1")
        );
    }

    [Fact]
    public async Task Comes_home_from_a_database_that_its_users_still_read()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        await using var reader = await move.Isolated.OpenAsync();
        await using var reading = await reader.BeginTransactionAsync();
        await using var command = new Npgsql.NpgsqlCommand("SELECT count(*) FROM pins", reader);
        Assert.Equal(5L, await command.ExecuteScalarAsync());
        await reading.CommitAsync();

        await move.RollBackAsync();

        Assert.Equal(
            "shared",
            await move.Shared.ScalarAsync<string>("SELECT isolation_mode FROM tenants WHERE id = 1")
        );
    }
}
