using System.Security.Cryptography;
using System.Text;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// The triggers that decide, in one database, whether the tenant's writes are accepted. Open: each of them holds the guard until it
/// commits. Closed: each of them fails with SQLSTATE 25006. Closing waits for the writers inside, so that after the close the
/// tenant's rows stand still.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-createtrigger.html</remarks>
/// <param name="requireCurrentRun">
/// Called in each transaction that changes a table; fails when a newer run has taken over.
/// </param>
public sealed class WriteGuard(
    NpgsqlDataSource database,
    TenantScope scope,
    Tenant tenant,
    TimeProvider clock,
    Func<NpgsqlConnection, CancellationToken, Task>? requireCurrentRun = null
)
{
    /// <summary>What the names of the guard's triggers begin with. The tilde sorts last: the guard sees what the application's own triggers made of the row.</summary>
    public const string TriggerPrefix = "~tenant_promotion_";

    /// <summary>How long <see cref="PrefixOf"/> is.</summary>
    public static readonly int PrefixLength = TriggerPrefix.Length + HashLength;

    const int HashLength = 12;

    string Prefix { get; } = PrefixOf(tenant.Key);

    IEnumerable<ScopedTable> Tables => scope.TenantTables;

    /// <summary>What the names of a tenant's triggers and functions begin with.</summary>
    public static string PrefixOf(string tenantKey) =>
        TriggerPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tenantKey)))[..HashLength];

    /// <summary>Writes the guard's row first, then the triggers, table by table; safe to repeat.</summary>
    /// <param name="state">The state of a guard that is not there yet.</param>
    /// <exception cref="Failure">A table stays locked by somebody for too long.</exception>
    public async Task InstallAsync(string state, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            """
            INSERT INTO tenant_promotion.guard (tenant_key, tenant_slug, state, pass)
            VALUES (@Key, @Slug, @state, gen_random_uuid()) ON CONFLICT (tenant_key) DO NOTHING
            """,
            new
            {
                tenant.Key,
                Slug = tenant.Slug.Text,
                state,
            },
            cancellationToken
        );
        foreach (var table in Tables)
            await WithTableLockAsync(connection, table.Name, InstallStatements(table), cancellationToken);
    }

    /// <summary>Removes triggers, functions and, last, the guard's row; safe to repeat.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        if (
            !await connection.ExecuteScalarAsync<bool>(
                "SELECT to_regclass('tenant_promotion.guard') IS NOT NULL",
                cancellationToken
            )
        )
            return;
        // From the catalog and not from the scope: a table may have been renamed meanwhile.
        var triggers = await connection.QueryAsync<(string Schema, string Table, string Trigger)>(
            """
            SELECT n.nspname, c.relname, t.tgname
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE starts_with(t.tgname, @Prefix) AND t.tgparentid = 0
            """,
            new { Prefix },
            cancellationToken
        );
        foreach (var table in triggers.GroupBy(row => new TableName(row.Schema, row.Table)))
            await WithTableLockAsync(
                connection,
                table.Key,
                string.Concat(
                    table.Select(row =>
                        $"DROP TRIGGER IF EXISTS {Sql.Identifier(row.Trigger)} ON {table.Key.Quoted};\n"
                    )
                ),
                cancellationToken
            );
        var functions = await connection.QueryAsync<string>(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'tenant_promotion'::regnamespace AND starts_with(proname, @Prefix)",
            new { Prefix },
            cancellationToken
        );
        foreach (var function in functions)
            await connection.ExecuteAsync(
                $"DROP FUNCTION IF EXISTS tenant_promotion.{Sql.Identifier(function)}()",
                cancellationToken
            );
        await connection.ExecuteAsync(
            "DELETE FROM tenant_promotion.guard WHERE tenant_key = @Key",
            new { tenant.Key },
            cancellationToken
        );
    }

    /// <summary>
    /// Closes the guard inside the caller's transaction; it is closed when that commits. Waits for the tenant's transactions in flight.
    /// </summary>
    /// <param name="timeout">How long the tenant's new writers may queue behind us.</param>
    /// <exception cref="PostgresException"><see cref="PostgresErrorCodes.LockNotAvailable"/>: a writer took longer than the timeout.</exception>
    public async Task CloseAsync(JournalTransaction transaction, TimeSpan timeout)
    {
        await transaction.ExecuteAsync($"SET LOCAL lock_timeout = {(int)timeout.TotalMilliseconds}");
        await transaction.ExecuteAsync(
            "SELECT pg_advisory_xact_lock(@LockClass, hashtext('guard ' || @Key))",
            new { PromotionJournal.LockClass, tenant.Key }
        );
        if (await SetAsync(transaction, "closed") != 1)
            throw new InvalidOperationException("There is no guard to close.");
    }

    /// <summary>Opens the guard inside the caller's transaction.</summary>
    public Task OpenAsync(JournalTransaction transaction) => SetAsync(transaction, "open");

    /// <summary>The tenant's transactions that keep the guard from closing, one line each.</summary>
    public async Task<IReadOnlyList<string>> HoldersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return
        [
            .. await connection.QueryAsync<string>(
                """
                SELECT format('process %s (%s, %s) for %s s: %s', a.pid, a.usename, a.state,
                              round(extract(epoch FROM clock_timestamp() - a.xact_start)), left(a.query, 60))
                FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND l.classid = @LockClass AND l.objid::bigint = (hashtext('guard ' || @Key)::bigint & 4294967295) AND l.objsubid = 2 AND l.granted
                ORDER BY a.xact_start
                """,
                new { PromotionJournal.LockClass, tenant.Key },
                cancellationToken
            ),
        ];
    }

    /// <summary>Lets the statements of this transaction pass the closed guard; the word is known to nobody else.</summary>
    public Task PassAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            "SELECT set_config('tenant_promotion.pass', pass, true) FROM tenant_promotion.guard WHERE tenant_key = @Key",
            new { tenant.Key },
            cancellationToken
        );

    /// <summary>The guard's state, or null when there is none.</summary>
    public async Task<string?> StateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await StateAsync(connection, tenant.Key, cancellationToken);
    }

    public static async Task<string?> StateAsync(
        NpgsqlConnection connection,
        string tenantKey,
        CancellationToken cancellationToken
    ) =>
        await connection.ExecuteScalarAsync<bool>(
            "SELECT to_regclass('tenant_promotion.guard') IS NOT NULL",
            cancellationToken
        )
            ? await connection.ExecuteScalarAsync<string?>(
                "SELECT state FROM tenant_promotion.guard WHERE tenant_key = @tenantKey",
                new { tenantKey },
                cancellationToken
            )
            : null;

    Task<int> SetAsync(JournalTransaction transaction, string state) =>
        transaction.ExecuteAsync(
            "UPDATE tenant_promotion.guard SET state = @state, changed_at = now() WHERE tenant_key = @Key",
            new { tenant.Key, state }
        );

    string InstallStatements(ScopedTable table)
    {
        var name = table.Name.Quoted;
        var key = Sql.Literal(tenant.Key);
        var sql = new StringBuilder();
        void Trigger(string suffix, string when, string function) =>
            sql.Append(
                $"CREATE OR REPLACE TRIGGER {Sql.Identifier(Prefix + suffix)} {when} EXECUTE FUNCTION tenant_promotion.{function};\n"
            );
        void Always(string suffix)
        {
            // Also for sessions that switch ordinary triggers off (session_replication_role): a write is a write.
            foreach (var part in table.Table.Leaves.Select(leaf => leaf.Name).Append(table.Name).Distinct())
                sql.Append($"ALTER TABLE {part.Quoted} ENABLE ALWAYS TRIGGER {Sql.Identifier(Prefix + suffix)};\n");
        }

        if (table.Scope == TableScope.Derived)
        {
            var function = Prefix + "_" + table.Table.Oid;
            var deferrable = table.Path[0].Deferrable;
            sql.Append(DerivedFunction(table, function, deferrable));
            Trigger(
                "_row",
                $"BEFORE INSERT OR UPDATE OR DELETE ON {name} FOR EACH ROW",
                Sql.Identifier(function) + "()"
            );
            Always("_row");
            if (deferrable)
            {
                sql.Append($"DROP TRIGGER IF EXISTS {Sql.Identifier(Prefix + "_commit")} ON {name};\n");
                sql.Append(
                    $"CREATE CONSTRAINT TRIGGER {Sql.Identifier(Prefix + "_commit")} AFTER INSERT OR UPDATE ON {name} "
                        + $"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenant_promotion.{Sql.Identifier(function)}();\n"
                );
                Always("_commit");
            }
        }
        else
        {
            var row = (string alias) => scope.Condition(table, alias, tenant.Key);
            Trigger("_insert", $"BEFORE INSERT ON {name} FOR EACH ROW WHEN ({row("NEW")})", $"guard_row({key})");
            Trigger(
                "_update",
                $"BEFORE UPDATE ON {name} FOR EACH ROW WHEN ({row("OLD")} OR {row("NEW")})",
                $"guard_row({key})"
            );
            Trigger("_delete", $"BEFORE DELETE ON {name} FOR EACH ROW WHEN ({row("OLD")})", $"guard_row({key})");
            foreach (var suffix in (string[])["_insert", "_update", "_delete"])
                Always(suffix);
        }

        if (table.Table.IsStreamable && table.Scope != TableScope.Root)
        {
            var moves =
                table.Scope == TableScope.Direct
                    ? $"({scope.Condition(table, "OLD", tenant.Key)}) IS DISTINCT FROM ({scope.Condition(table, "NEW", tenant.Key)})"
                    : string.Join(
                        " OR ",
                        table
                            .Path[0]
                            .FromColumns.Select(column =>
                                $"OLD.{Sql.Identifier(column)} IS DISTINCT FROM NEW.{Sql.Identifier(column)}"
                            )
                    );
            var arguments = string.Join(
                ", ",
                ((string[])[tenant.Key, table.Name.Schema, table.Name.Name, .. table.Table.Key]).Select(Sql.Literal)
            );
            Trigger("_moved", $"BEFORE UPDATE ON {name} FOR EACH ROW WHEN ({moves})", $"guard_moved({arguments})");
            Always("_moved");
        }

        foreach (var part in table.Table.Leaves.Select(leaf => leaf.Name).Append(table.Name).Distinct())
        {
            sql.Append(
                $"CREATE OR REPLACE TRIGGER {Sql.Identifier(Prefix + "_truncate")} BEFORE TRUNCATE ON {part.Quoted} EXECUTE FUNCTION tenant_promotion.guard_truncate();\n"
            );
            sql.Append($"ALTER TABLE {part.Quoted} ENABLE ALWAYS TRIGGER {Sql.Identifier(Prefix + "_truncate")};\n");
        }
        return sql.ToString();
    }

    // A derived row is the tenant's when its parent is. A parent that cannot be seen yet (another transaction is about to commit it,
    // or the constraint is deferred) might be the tenant's: with a deferrable key the commit looks again, and whoever is
    // still unknown then counts as the tenant's.
    string DerivedFunction(ScopedTable table, string function, bool deferrable)
    {
        string Lookup(string row)
        {
            var (parent, join, belongs) = scope.ParentOf(table, row, tenant.Key);
            return $"SELECT bool_or({belongs}) INTO ours FROM {parent} p1 WHERE {join};";
        }

        var unowned = scope.RowsWithoutTenant(table, "NEW") ?? "false";
        var decide = deferrable ? "ours OR (ours IS NULL AND TG_WHEN = 'AFTER')" : "ours IS NOT FALSE";
        // A literal and not dollar quotes, which a name or a key might contain; read in the application's session, whatever that has set.
        var body = $"""
            DECLARE
                ours boolean;
            BEGIN
                IF TG_OP <> 'INSERT' THEN
                    {Lookup("OLD")}
                    IF ours THEN PERFORM tenant_promotion.hold({Sql.Literal(tenant.Key)}); END IF;
                END IF;
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                IF NOT ({unowned}) THEN
                    {Lookup("NEW")}
                    IF {decide} THEN PERFORM tenant_promotion.hold({Sql.Literal(tenant.Key)}); END IF;
                END IF;
                RETURN NEW;
            END
            """;
        return $"""
            CREATE OR REPLACE FUNCTION tenant_promotion.{Sql.Identifier(function)}() RETURNS trigger LANGUAGE plpgsql
                SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS {Sql.Literal(
                body
            )};
            REVOKE ALL ON FUNCTION tenant_promotion.{Sql.Identifier(function)}() FROM PUBLIC;

            """;
    }

    Task WithTableLockAsync(
        NpgsqlConnection connection,
        TableName table,
        string statements,
        CancellationToken cancellationToken
    ) =>
        TableLock.RunAsync(
            connection,
            table,
            async token =>
            {
                if (requireCurrentRun is not null)
                    await requireCurrentRun(connection, token);
                return await connection.ExecuteAsync(statements, token);
            },
            clock,
            cancellationToken
        );
}
