using System.Text;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Guarding;

/// <summary>The statements that create a tenant's guard on a table; safe to repeat.</summary>
public sealed class GuardTriggers(TenantScope scope, Tenant tenant)
{
    readonly string prefix = WriteGuard.PrefixOf(tenant.Key);
    readonly GuardNames names = new(tenant);
    readonly List<StandingTrigger> standing = [];

    /// <summary>The statements for a table, and the triggers that stand after them, each always enabled.</summary>
    public (string Sql, IReadOnlyList<StandingTrigger> Triggers) Of(ScopedTable table)
    {
        standing.Clear();
        var sql = new StringBuilder();
        var update = ColumnUpdate.Serves(table) ? new ColumnUpdate(names, tenant, table) : null;
        if (table.Scope == TableScope.Derived || table.Tree is not null)
            AddDerived(sql, table);
        else
            AddByColumn(sql, table, update);
        if (
            table.IsStreamed
            && (table.Scope != TableScope.Root || table.Tree is not null)
            && update is not { Tells: true }
        )
            AddReassignment(sql, table);
        if (Notes(table))
            AddNotes(sql, table);
        foreach (var part in TriggerSql.PartsOf(table))
        {
            sql.Append(Create("_truncate", $"BEFORE TRUNCATE ON {part.Quoted}", "guard_truncate()"));
            sql.Append(Enable(part, "_truncate"));
            foreach (var (suffix, when) in TriggerSql.Inserting(part))
            {
                sql.Append(Create(suffix, when, "inserting()"));
                sql.Append(Enable(part, suffix));
            }
        }
        return (sql.ToString(), [.. standing]);
    }

    // The row tells whose it is.
    void AddByColumn(StringBuilder sql, ScopedTable table, ColumnUpdate? update)
    {
        var name = table.Name.Quoted;
        var isRoot = table.Scope == TableScope.Root;
        var function = Sql.Identifier(isRoot ? names.Root : names.New);
        var old = Sql.Identifier(isRoot ? names.Root : names.Old);
        var (before, after) = (scope.Condition(table, "OLD", tenant.Id), scope.Condition(table, "NEW", tenant.Id));
        Add("_insert", $"BEFORE INSERT ON {name} FOR EACH ROW WHEN ({after})", function + "()");
        if (update is not null)
        {
            sql.Append(update.Create());
            Add("_update", $"BEFORE UPDATE ON {name} FOR EACH ROW WHEN ({before} OR {after})", update.Call);
        }
        else
        {
            var arrives = $"({before}) IS NOT TRUE AND ({after})";
            Add("_arrive", $"BEFORE UPDATE ON {name} FOR EACH ROW WHEN ({arrives})", function + "()");
            Add(
                "_update",
                $"BEFORE UPDATE ON {name} FOR EACH ROW WHEN ({before})",
                $"{function}({TriggerSql.MaySkip})"
            );
        }
        Add("_delete", $"BEFORE DELETE ON {name} FOR EACH ROW WHEN ({before})", $"{old}({TriggerSql.MaySkip})");
        if (table.Table.HasLateTriggers)
            AddFinal(sql, table, $" WHEN ({after})", function + "()");

        void Add(string suffix, string when, string call)
        {
            sql.Append(Create(suffix, when, call));
            EnableAlways(sql, table, suffix);
        }
    }

    // Looks at the row once more as it was written, after every BEFORE trigger.
    void AddFinal(StringBuilder sql, ScopedTable table, string when, string function)
    {
        sql.Append(Create("_final", $"AFTER INSERT OR UPDATE ON {table.Name.Quoted} FOR EACH ROW{when}", function));
        EnableAlways(sql, table, "_final");
    }

    // Only the row's parent tells.
    void AddDerived(StringBuilder sql, ScopedTable table)
    {
        var name = table.Name.Quoted;
        var function = Sql.Identifier(prefix + "_" + table.Table.Oid);
        var deferrable = table.Steps.Any(step => step.Deferrable);
        sql.Append(Function(table, function, deferrable));
        sql.Append(
            Create(
                "_row",
                $"BEFORE INSERT OR UPDATE OR DELETE ON {name} FOR EACH ROW",
                $"{function}({TriggerSql.MaySkip})"
            )
        );
        EnableAlways(sql, table, "_row");
        if (table.Table.HasLateTriggers)
            AddFinal(sql, table, "", function + "()");
        if (!deferrable)
            return;
        var trigger = Sql.Identifier(prefix + "_commit");
        sql.Append(
            $"""
            DROP TRIGGER IF EXISTS {trigger} ON {name};
            CREATE CONSTRAINT TRIGGER {trigger} AFTER INSERT OR UPDATE ON {name} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                EXECUTE FUNCTION tenant_promotion.{function}();

            """
        );
        EnableAlways(sql, table, "_commit");
    }

    // Tells the stream of rows that change their tenant.
    void AddReassignment(StringBuilder sql, ScopedTable table)
    {
        var condition =
            table.Scope == TableScope.Direct
                ? IsDistinct(scope.Copied(table, "OLD", tenant.Id), scope.Copied(table, "NEW", tenant.Id))
                : TriggerSql.ClaimsChange(table);
        sql.Append(
            Create(
                "_moved",
                $"{(table.Table.HasLateTriggers ? "AFTER" : "BEFORE")} UPDATE ON {table.Name.Quoted} "
                    + $"FOR EACH ROW WHEN ({condition})",
                $"guard_moved({TriggerSql.Moved(tenant, table)})"
            )
        );
        EnableAlways(sql, table, "_moved");
    }

    /// <summary>
    /// Whether the guard notes the changes of a table: its rows have no key by which a stream could name them, and tell
    /// themselves whose they are.
    /// </summary>
    public static bool Notes(ScopedTable table) => table.Scope == TableScope.Direct && !table.Table.IsStreamable;

    /// <summary>A row as the guard notes it: its stored columns, as PostgreSQL writes a row.</summary>
    /// <remarks>https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX</remarks>
    public static string Noted(ScopedTable table, string row) =>
        $"ROW({Sql.Identifiers(row, table.Table.StoredColumns.Select(column => column.Name))})::text";

    // After all that may still change the row. A row that is replaced is noted twice: as it was, and as it has become.
    void AddNotes(StringBuilder sql, ScopedTable table)
    {
        var name = table.Name.Quoted;
        var function = Sql.Identifier(prefix + "_note_" + table.Table.Oid);
        string Note(string row, int change) =>
            $"INSERT INTO {GuardNames.Quoted(names.Log)} (relation, row, change) "
            + $"VALUES ({Sql.Literal(name)}, {Noted(table, row)}, {change});";
        var body = Sql.Literal(
            $"""
            BEGIN
                IF TG_ARGV[0] = 'old' THEN
                    {Note("OLD", -1)}
                ELSE
                    {Note("NEW", 1)}
                END IF;
                RETURN NULL;
            END
            """
        );
        sql.Append(
            $"""
            CREATE OR REPLACE FUNCTION tenant_promotion.{function}() RETURNS trigger LANGUAGE plpgsql
                SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
                SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
                SET bytea_output = 'hex' SET lc_monetary = 'C' AS {body};
            REVOKE ALL ON FUNCTION tenant_promotion.{function}() FROM PUBLIC;

            """
        );
        foreach (
            var (suffix, row, events) in (ReadOnlySpan<(string, string, string)>)
                [("_old", "OLD", "UPDATE OR DELETE"), ("_new", "NEW", "INSERT OR UPDATE")]
        )
        {
            var when = $"AFTER {events} ON {name} FOR EACH ROW WHEN ({scope.Copied(table, row, tenant.Id)})";
            sql.Append(Create(suffix, when, $"{function}({Sql.Literal(row.ToLowerInvariant())})"));
            EnableAlways(sql, table, suffix);
        }
    }

    static string IsDistinct(string before, string after) => $"({before}) IS DISTINCT FROM ({after})";

    string Create(string suffix, string when, string function) => TriggerSql.Create(prefix + suffix, when, function);

    void EnableAlways(StringBuilder sql, ScopedTable table, string suffix)
    {
        foreach (var part in TriggerSql.PartsOf(table))
            sql.Append(Enable(part, suffix));
    }

    string Enable(TableName part, string suffix)
    {
        standing.Add(new(part, prefix + suffix));
        return TriggerSql.EnableAlways(part, prefix + suffix);
    }

    // A derived row is the tenant's when a parent is. A parent that cannot be seen yet (another transaction is about
    // to commit it, or the constraint is deferred) might be the tenant's. With a deferrable key the commit looks again,
    // and a row whose parent is still unknown then counts as the tenant's.
    string Function(ScopedTable table, string function, bool deferrable)
    {
        var (pass, gate) = table.Tree is null
            ? ($"tenant_promotion.{Sql.Identifier(names.Pass)}()", names.LockGate)
            : ($"tenant_promotion.{Sql.Identifier(names.PassAtOnce)}()", names.LockGateAtOnce);
        // Behind the gate, as for other tables: what is seen there of the guard stays so.
        var skip = $"""
            IF current_setting('tenant_promotion.moved', true) = 'skip' THEN
                {gate}
                {TriggerSql.Skip(names.Key)}
            END IF;
            """;
        var decide = deferrable ? "ours OR (ours IS NULL AND TG_WHEN = 'AFTER')" : "ours IS NOT FALSE";
        // Without a constraint the row may have no parent at all, or its parent none. Behind a closed guard all that the
        // tenant has committed is seen, and nothing more comes: whoever names nothing then is nobody's. The failure has let
        // go of the gate.
        string Hold(string row) =>
            scope.MayLackAncestors(table)
                ? $"""
                    BEGIN
                        PERFORM {pass};
                    EXCEPTION WHEN read_only_sql_transaction THEN
                        {gate}
                        ours := {scope.Verdict(table, row, tenant.Id)};
                        IF ours THEN RAISE; END IF;
                    END;
                    """
                : $"PERFORM {pass};";
        // A row that stands can have a parent that is yet to come where no constraint has asked for one. Elsewhere this
        // transaction has deleted the parent, and holds the gate if that was ours.
        var stands = scope.MayStandWithoutAncestors(table) ? "ours IS NOT FALSE" : "ours";
        // Rows that the transaction's snapshot does not show may make this one the tenant's: for a row's parent that takes a
        // row that has changed its tenant. Then the guard's row has changed since, or the gate keeps it as it is.
        var unseen = table.Reads.Any() ? "true" : names.HasTravelled;
        var same = $"""
            IF current_setting('transaction_isolation') <> 'read committed' AND {unseen} THEN
                {gate}
                IF ({names.IsCalm}) IS NOT TRUE THEN PERFORM tenant_promotion.same({names.Key}); END IF;
            END IF;
            """;
        // A literal and not dollar quotes, which a name or a key might contain; read in the application's session,
        // whatever that has set.
        var body = Sql.Literal(
            $"""
            #variable_conflict use_column
            DECLARE
                ours boolean;
            BEGIN
                {same}
                IF TG_OP <> 'INSERT' THEN
                    ours := {scope.Verdict(table, "OLD", tenant.Id)};
                    IF {stands} THEN
                        {skip}
                        {Hold("OLD")}
                    END IF;
                END IF;
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                ours := {scope.Verdict(table, "NEW", tenant.Id)};
                IF {decide} THEN
                    {Hold("NEW")}
                END IF;
                RETURN NEW;
            END
            """
        );
        return $"""
            {(table.Tree is null ? "" : names.CreatePassAtOnce())}
            CREATE OR REPLACE FUNCTION tenant_promotion.{function}() RETURNS trigger LANGUAGE plpgsql
                SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS {body};
            REVOKE ALL ON FUNCTION tenant_promotion.{function}() FROM PUBLIC;

            """;
    }
}
