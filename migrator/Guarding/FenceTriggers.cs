using System.Text;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Guarding;

/// <summary>The statements that create the fence on a table; safe to repeat.</summary>
/// <remarks>
/// The functions of tables that name their tenant by the same columns are the same. Their name has a hash of what they look
/// at: a trigger that calls the function of that name needs no other look.
/// </remarks>
sealed class FenceTriggers(TenantScope scope)
{
    const string Schema = "tenant_promotion";

    /// <summary>
    /// What a table gets; null if its rows name no tenant by themselves. Those rows name another row of the tenant's, which
    /// finalize has deleted: a declared key refuses them, and without one nobody can tell whose they are. A condition would
    /// have to be asked of every tenant who has moved.
    /// </summary>
    public FencedTable? Of(ScopedTable table)
    {
        if (KeysOf(table, "NEW").ToArray() is not { Length: > 0 } keys)
            return null;
        var stays = Stays(table);
        var name =
            Fence.Prefix
            + "_"
            + WriteGuard.HashOf(string.Join('\n', [.. keys.Select(key => key.Sql), stays, TriggerSql.Skip("")]));
        var (on, changes) = ($"ON {table.Name.Quoted} FOR EACH ROW", TriggerSql.ClaimsChange(table));
        List<(string Suffix, string Function, string When, string Argument)> triggers =
        [
            ("_write", name + "_new", $"BEFORE INSERT OR UPDATE {on}", TriggerSql.MaySkip),
            ("_leave", name + "_was", $"BEFORE UPDATE {on} WHEN ({changes})", TriggerSql.MaySkip),
            ("_delete", name + "_old", $"BEFORE DELETE {on}", TriggerSql.MaySkip),
        ];
        if (table.Table.HasLateTriggers)
            triggers.Add(("_final", name + "_new", $"AFTER INSERT OR UPDATE {on}", ""));
        var sql = new StringBuilder();
        var standing = new List<StandingTrigger>();
        foreach (var (suffix, function, when, argument) in triggers)
        {
            sql.Append(TriggerSql.Create(Fence.Prefix + suffix, when, $"{Sql.Identifier(function)}({argument})"));
            foreach (var part in TriggerSql.PartsOf(table))
            {
                sql.Append(TriggerSql.EnableAlways(part, Fence.Prefix + suffix));
                standing.Add(new(part, Fence.Prefix + suffix, function));
            }
        }
        foreach (var part in TriggerSql.PartsOf(table))
        foreach (var (suffix, when) in TriggerSql.Inserting(part))
        {
            sql.Append(TriggerSql.Create(Fence.Prefix + suffix, when, "inserting()"));
            sql.Append(TriggerSql.EnableAlways(part, Fence.Prefix + suffix));
            standing.Add(new(part, Fence.Prefix + suffix, "inserting"));
        }
        return new(
            table.Name,
            [
                (name + "_new", Function(name + "_new", KeysOf(table, "NEW"), "NEW", stays)),
                (name + "_was", Function(name + "_was", KeysOf(table, "OLD"), "NEW", "true")),
                (name + "_old", Function(name + "_old", KeysOf(table, "OLD"), "OLD", "true")),
            ],
            sql.ToString(),
            standing
        );
    }

    // An UPDATE leaves the row with the tenant whose it is. Another one is first of all what the trigger "_leave" meets.
    static string Stays(ScopedTable table) =>
        "TG_OP OPERATOR(pg_catalog.=) 'UPDATE'"
        + string.Concat(
            table
                .Claims.SelectMany(claim => claim.Columns)
                .Distinct()
                .Select(Sql.Identifier)
                .Select(column =>
                    $" AND (OLD.{column}::pg_catalog.text OPERATOR(pg_catalog.=) NEW.{column}::pg_catalog.text"
                    + $" OR (OLD.{column} IS NULL AND NEW.{column} IS NULL))"
                )
        );

    // The keys, as text, of the tenants that a row names.
    IEnumerable<Key> KeysOf(ScopedTable table, string row)
    {
        var root = scope.Root;
        foreach (var claim in table.Claims)
        {
            if (claim.Column is { } column)
                yield return OfColumn(table, column, row);
            else if (claim.Step is { } up && up.To == root.Name && root.Tree is not null)
                yield return OfTree(claim, up, row);
            else if (claim.Step is { } step && step.To == root.Name)
            {
                var key =
                    step is { ToColumns: [var to], FromColumns: [var from] } && to == root.TenantColumn.Name
                        ? OfColumn(table, from, row)
                        : Moved(
                            $"""
                            JOIN {root.Table.From} p1
                                ON p1.{Sql.Identifier(root.TenantColumn.Name)} {root.TenantColumn.EqualToText(
                                "g.tenant_key"
                            )}
                                AND {step.Join(row, "p1")}
                            """
                        );
                yield return claim.TypeColumn is null
                    ? key
                    : new($"CASE WHEN {claim.OfType(row)}true THEN {key.Sql} END", IsPlain: false);
            }
        }
    }

    // The tenant that has moved, above the row of the tenants' table that the row names.
    Key OfTree(Claim claim, ForeignKey step, string row)
    {
        var root = scope.Root;
        var above = new TenantTree(root).Up(one => step.Join(row, one));
        var named = $"up.{Sql.Identifier(root.TenantColumn.Name)} {root.TenantColumn.EqualToText("g.tenant_key")}";
        var key =
            $"({above} SELECT g.tenant_key FROM up JOIN {Schema}.guard g ON {named} "
            + $"WHERE g.state = {Sql.Literal(GuardState.Moved)} LIMIT 1)";
        return new(
            claim.TypeColumn is null ? key : $"CASE WHEN {claim.OfType(row)}true THEN {key} END",
            IsPlain: false
        );
    }

    // Where equal values may differ as text, the tenants that have moved are compared with the row one by one.
    static Key OfColumn(ScopedTable table, string name, string row)
    {
        var column = table.Table.Column(name)!;
        var value = $"{row}.{Sql.Identifier(name)}";
        return column is { IsEqualAsText: true, Family: "text" or "integer" or "uuid" or "boolean" }
            ? new($"{value}::pg_catalog.text", IsPlain: true)
            : Moved($"WHERE {value} {column.EqualToText("g.tenant_key")}");
    }

    static Key Moved(string condition) =>
        new(
            $"""
            (SELECT g.tenant_key FROM (
                SELECT tenant_key FROM {Schema}.guard WHERE state = {Sql.Literal(GuardState.Moved)}) g
                {condition} LIMIT 1)
            """,
            IsPlain: false
        );

    // Each row of every tenant passes here: names and operators say their schema, because settings of the function's own
    // would cost more than the look. A tenant without a guard has no such sequence. The look into the catalog sees what is
    // committed now, whatever the transaction's snapshot is.
    static string Function(string name, IEnumerable<Key> keys, string result, string maySkip)
    {
        var all = keys.ToArray();
        var looks = all.Select(key =>
            $"""
                    IF pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass('{Schema}."' OPERATOR(pg_catalog.||)
                        {Schema}.prefix({key.Sql}) OPERATOR(pg_catalog.||) '{GuardNames.AttentionSuffix}"'))
                        OPERATOR(pg_catalog.=) {GuardNames.Left} THEN
                        IF {maySkip} THEN
                            {TriggerSql.Skip(key.Sql)}
                        END IF;
                        PERFORM {Schema}.hold({key.Sql});
                    END IF;

                """
        );
        var body = $"BEGIN\n{string.Concat(looks)}    RETURN {result};\nEND";
        var settings = all.All(key => key.IsPlain)
            ? ""
            : " SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on";
        return $"""
            CREATE OR REPLACE FUNCTION {GuardNames.Quoted(name)}() RETURNS trigger LANGUAGE plpgsql
                SECURITY DEFINER{settings} AS {Sql.Literal(body)};
            REVOKE ALL ON FUNCTION {GuardNames.Quoted(name)}() FROM PUBLIC;
            """;
    }

    /// <param name="IsPlain">The expression needs no settings: every name and operator in it says its schema.</param>
    sealed record Key(string Sql, bool IsPlain);
}

/// <summary>The fence on one table.</summary>
/// <param name="Functions">The functions that the triggers call, by name; other tables may have the same.</param>
/// <param name="Sql">The statements that create the triggers.</param>
/// <param name="Triggers">The triggers that stand afterwards.</param>
sealed record FencedTable(
    TableName Name,
    IReadOnlyList<(string Name, string Sql)> Functions,
    string Sql,
    IReadOnlyList<StandingTrigger> Triggers
);
