using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Guarding;

/// <summary>The statements that guard and fence have in common; safe to repeat.</summary>
static class TriggerSql
{
    /// <param name="when">The trigger's events, table and condition.</param>
    /// <param name="function">The call of a function in our schema.</param>
    public static string Create(string trigger, string when, string function) =>
        $"""
            CREATE OR REPLACE TRIGGER {Sql.Identifier(trigger)} {when}
                EXECUTE FUNCTION tenant_promotion.{function};

            """;

    /// <summary>
    /// The argument of a trigger that fires before a row changes or goes which is the tenant's already: the session may ask
    /// to leave such a row alone. No trigger of another kind has one; to skip in its place would lose what is new, or let pass
    /// what is to be refused.
    /// </summary>
    public const string MaySkip = "'may skip'";

    /// <summary>The arguments by which the guard tells the stream of a row of the table that changes its tenant.</summary>
    public static string Moved(Tenant tenant, ScopedTable table)
    {
        string[] arguments = [tenant.Key, table.Name.Schema, table.Name.Name, .. table.Table.Key];
        return string.Join(", ", arguments.Select(Sql.Literal));
    }

    /// <summary>The statement by which a function leaves a moved tenant's row alone, if the session asks for that.</summary>
    /// <param name="key">The tenant's key as an expression.</param>
    public static string Skip(string key) =>
        $"IF TG_NARGS OPERATOR(pg_catalog.>) 0 AND tenant_promotion.skips({key}, TG_RELID) THEN RETURN NULL; END IF;";

    /// <summary>
    /// The triggers, by the ends of their names, that note an INSERT of a session which asks for that. A statement on a
    /// partition fires the partition's own alone.
    /// </summary>
    public static IEnumerable<(string Suffix, string When)> Inserting(TableName part) =>
        [
            (
                "_inserting",
                $"BEFORE INSERT ON {part.Quoted} WHEN (pg_catalog.current_setting('tenant_promotion.moved', true) "
                    + "OPERATOR(pg_catalog.=) 'skip')"
            ),
            (
                "_inserted",
                $"AFTER INSERT ON {part.Quoted} WHEN (pg_catalog.current_setting('tenant_promotion.inserting', true) "
                    + "OPERATOR(pg_catalog.<>) '')"
            ),
        ];

    /// <summary>Also for sessions that switch ordinary triggers off (session_replication_role): a write is a write.</summary>
    public static string EnableAlways(TableName part, string trigger) =>
        $"ALTER TABLE {part.Quoted} ENABLE ALWAYS TRIGGER {Sql.Identifier(trigger)};\n";

    /// <summary>The table and its partitions: each has its own copy of a trigger, and its own switch.</summary>
    public static IEnumerable<TableName> PartsOf(ScopedTable table) =>
        table.Table.Leaves.Select(leaf => leaf.Name).Append(table.Name).Distinct();

    /// <summary>The condition that an UPDATE changes a column that tells whose the row is.</summary>
    public static string ClaimsChange(ScopedTable table) =>
        string.Join(
            " OR ",
            table
                .Claims.SelectMany(claim => claim.Columns)
                .Distinct()
                .Select(Sql.Identifier)
                .Select(name => $"OLD.{name}::text IS DISTINCT FROM NEW.{name}::text")
        );
}
