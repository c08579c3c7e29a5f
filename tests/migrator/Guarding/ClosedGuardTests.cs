using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Guarding;

/// <summary>
/// Behind a closed guard no write of the tenant gets through, by whatever way, and every other tenant's does.
/// </summary>
[EveryVersion]
public sealed class ClosedGuardTests(ClosedGuardTests.MovedTenant moved) : IClassFixture<ClosedGuardTests.MovedTenant>
{
    // In every statement $t stands for the tenant: 1 is refused, 2 passes. Rows of a tenant have ids of its own
    // hundred.
    const string Schema = """
        CREATE TABLE notes (id integer PRIMARY KEY, tenant_id bigint REFERENCES tenants ON DELETE CASCADE, body text);
        CREATE TABLE remarks (
            id integer PRIMARY KEY, note_id integer REFERENCES notes ON DELETE CASCADE ON UPDATE CASCADE, body text);
        CREATE TABLE votes (id integer PRIMARY KEY, remark_id integer NOT NULL REFERENCES remarks ON DELETE CASCADE);
        CREATE TABLE late (
            id integer PRIMARY KEY, note_id integer NOT NULL REFERENCES notes DEFERRABLE INITIALLY DEFERRED);
        CREATE TABLE by_text (id integer PRIMARY KEY, tenant_id text);
        CREATE TABLE days (
            tenant_id bigint NOT NULL, day date NOT NULL, note text, PRIMARY KEY (tenant_id, day)
        ) PARTITION BY RANGE (day);
        CREATE TABLE days_2024 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE days_other PARTITION OF days DEFAULT;
        CREATE TABLE stamped (id integer PRIMARY KEY, tenant_id bigint);
        CREATE FUNCTION whose() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.tenant_id := current_setting('app.current_tenant_id')::bigint; RETURN NEW; END $$;
        CREATE TRIGGER zz_whose BEFORE INSERT ON stamped FOR EACH ROW EXECUTE FUNCTION whose();
        CREATE VIEW note_view AS SELECT * FROM notes;
        GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO application_role;
        INSERT INTO notes SELECT t * 100 + n, t, 'body' FROM generate_series(1, 2) t, generate_series(1, 3) n;
        INSERT INTO notes VALUES (1, NULL, 'nobody''s');
        INSERT INTO remarks SELECT id, id, 'r' FROM notes;
        INSERT INTO votes SELECT id, id FROM remarks;
        INSERT INTO late SELECT id, id FROM notes;
        INSERT INTO by_text SELECT id, tenant_id::text FROM notes;
        INSERT INTO days SELECT t, date '2023-12-30' + n, 'day' FROM generate_series(1, 2) t, generate_series(1, 4) n;
        """;

    TenantMove Move => moved.Move;

    [Fact]
    public async Task Every_way_to_write_is_refused_for_the_tenant_with_a_hint_and_passes_for_another()
    {
        string[] writes =
        [
            "INSERT INTO notes VALUES ($t50, $t, 'new')",
            "INSERT INTO note_view VALUES ($t50, $t, 'by the view')",
            "INSERT INTO notes VALUES ($t01, $t, 'again') ON CONFLICT (id) DO UPDATE SET body = 'again'",
            "UPDATE notes SET body = 'other' WHERE id = $t01",
            "UPDATE notes SET tenant_id = $t WHERE id = 1",
            "UPDATE notes SET tenant_id = NULL WHERE id = $t01",
            "UPDATE notes SET id = $t77 WHERE id = $t01",
            "DELETE FROM notes WHERE id = $t01",
            "WITH gone AS (DELETE FROM notes WHERE id = $t01 RETURNING *) SELECT * FROM gone",
            "INSERT INTO remarks VALUES ($t50, $t01, 'new')",
            "UPDATE remarks SET body = 'other' WHERE id = $t01",
            "UPDATE remarks SET note_id = $t01 WHERE id = 1",
            "UPDATE remarks SET note_id = NULL WHERE id = $t01",
            "DELETE FROM remarks WHERE id = $t01",
            "INSERT INTO votes VALUES ($t50, $t01)",
            "UPDATE votes SET id = $t77 WHERE id = $t01",
            "DELETE FROM votes WHERE id = $t01",
            "INSERT INTO late VALUES ($t50, $t01)",
            "DELETE FROM late WHERE id = $t01",
            "INSERT INTO by_text VALUES ($t50, '$t')",
            "UPDATE by_text SET tenant_id = '$t' WHERE id = 1",
            "INSERT INTO days VALUES ($t, '2024-06-01')",
            "INSERT INTO days_2024 VALUES ($t, '2024-06-01')",
            "UPDATE days SET day = '2024-06-01' WHERE tenant_id = $t AND day = '2023-12-31'",
            "UPDATE days_2024 SET note = 'other' WHERE tenant_id = $t",
            "DELETE FROM days_other WHERE tenant_id = $t",
            "DELETE FROM tenants WHERE id = $t",
            "UPDATE tenants SET plan = 'gold' WHERE id = $t",
            "SET LOCAL app.current_tenant_id = '$t'; INSERT INTO stamped (id, tenant_id) VALUES (1, NULL)",
            """
                INSERT INTO late VALUES ($t50, $t50);
                INSERT INTO notes VALUES ($t50, $t, 'child first');
                SET CONSTRAINTS ALL IMMEDIATE
                """,
        ];
        foreach (var write in writes)
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => TryAsync(write.Replace("$t", "1")));
            Assert.True(
                refused.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction,
                $"{write}: {refused.SqlState} {refused.MessageText}"
            );
            Assert.Contains("Look up its route again", refused.Hint);
            // The same for the other tenant, which nobody holds up. Its rows in late would hold its notes by a key that
            // does not cascade.
            await TryAsync(
                $"""
                DELETE FROM late WHERE note_id = 201 OR '{write[..6]}' = 'DELETE' AND note_id > 200;
                {write.Replace("$t", "2")}
                """
            );
        }
    }

    [Fact]
    public async Task Nobodys_rows_are_nobodys()
    {
        await TryAsync(
            """
            INSERT INTO notes VALUES (2, NULL, 'new');
            UPDATE notes SET body = 'x' WHERE id = 1;
            INSERT INTO remarks VALUES (3, NULL, 'loose');
            INSERT INTO by_text VALUES (4, NULL)
            """
        );
        await TryAsync("DELETE FROM late WHERE note_id = 1; DELETE FROM notes WHERE id = 1");
    }

    [Theory]
    [InlineData("TRUNCATE notes CASCADE")]
    [InlineData("TRUNCATE votes")]
    [InlineData("TRUNCATE days")]
    [InlineData("TRUNCATE days_2024")]
    [InlineData("TRUNCATE tenants CASCADE")]
    public async Task Truncate_is_refused_whoever_asks(string truncate)
    {
        foreach (var role in (string[])[Servers.Admin, EmbeddedCluster.Superuser])
            Assert.Equal(
                PostgresErrorCodes.ReadOnlySqlTransaction,
                (await Assert.ThrowsAsync<PostgresException>(() => TryAsync(truncate, role: role))).SqlState
            );
    }

    [Fact]
    public async Task A_session_that_switches_ordinary_triggers_off_is_refused_as_well()
    {
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            TryAsync(
                "SET LOCAL session_replication_role = replica; INSERT INTO notes VALUES (150, 1, 'replicated')",
                role: EmbeddedCluster.Superuser
            )
        );
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);
        await Assert.ThrowsAsync<PostgresException>(() =>
            TryAsync(
                "SET LOCAL session_replication_role = replica; DELETE FROM days_2024 WHERE tenant_id = 1",
                role: EmbeddedCluster.Superuser
            )
        );
    }

    [Fact]
    public async Task The_application_is_guarded_without_a_right_to_the_guard_and_cannot_guess_its_way_past_it()
    {
        const string role = "application_role";
        await TryAsync("INSERT INTO notes VALUES (250, 2, 'ours')", role: role);
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            TryAsync("SET LOCAL tenant_promotion.pass = 'open'; INSERT INTO notes VALUES (150, 1, 'new')", role: role)
        );
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);
        foreach (
            var peek in (string[])
                [
                    "SELECT pass FROM tenant_promotion.guard",
                    "SELECT tenant_promotion.hold('1')",
                    "UPDATE tenant_promotion.guard SET state = 'open'",
                ]
        )
            Assert.Equal(
                PostgresErrorCodes.InsufficientPrivilege,
                (await Assert.ThrowsAsync<PostgresException>(() => TryAsync(peek, role: role))).SqlState
            );
    }

    // Runs statements, the deferred checks included, and takes them back.
    async Task TryAsync(string statements, string? role = null)
    {
        await using var connection = await Move.Shared.OpenAsync(role);
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(
            $"SET LOCAL lock_timeout = '2s'; {statements}; SET CONSTRAINTS ALL IMMEDIATE",
            connection
        );
        await command.ExecuteNonQueryAsync();
        await transaction.RollbackAsync();
    }

    /// <summary>A tenant behind a closed guard. No test leaves a change: each takes its writes back.</summary>
    public sealed class MovedTenant(Servers servers) : IAsyncLifetime
    {
        TenantMove? move;

        public TenantMove Move => move!;

        public async ValueTask InitializeAsync()
        {
            move = await TenantMove.CreateAsync(servers, Schema);
            move.Mode = PromotionOptions.Fenced;
            await move.PromoteAsync(validate: false);
            Assert.Equal("moved", await move.GuardAsync());
        }

        public async ValueTask DisposeAsync()
        {
            if (move is not null)
                await move.DisposeAsync();
        }
    }
}
