using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Guarding;

/// <summary>
/// What guards the UPDATEs of a table whose rows name the tenant in one column, of a type of PostgreSQL's own: one trigger,
/// for rows that stay, come and leave. Each statement reads and prepares the WHEN of each trigger anew, of whatever tenant
/// its rows are.
/// </summary>
/// <remarks>
/// The function runs with our rights and under the settings of whoever writes: each operator and type says its schema, and
/// nothing of the application's is called. Tables that name the tenant alike share the function.
/// </remarks>
sealed class ColumnUpdate(GuardNames names, Tenant tenant, ScopedTable table)
{
    readonly string name =
        $"{WriteGuard.PrefixOf(tenant.Key)}_{WriteGuard.HashOf($"{table.TenantColumn.Name}\n{TypeOf(table.TenantColumn)}")}";

    /// <summary>Whether the column alone tells whose a row is.</summary>
    public static bool Serves(ScopedTable table) =>
        table is { Scope: TableScope.Direct, NullIsGlobal: false, Claims: [{ Column: { } column, TypeColumn: null }] }
        && TypeOf(table.Table.Column(column)!) is not null;

    /// <summary>Whether the trigger tells the stream of rows that change their tenant, as <c>guard_moved</c> does elsewhere.</summary>
    public bool Tells => table.Table is { IsStreamable: true, HasLateTriggers: false };

    /// <summary>The call by the trigger.</summary>
    public string Call =>
        $"{Sql.Identifier(name)}({TriggerSql.MaySkip}{(Tells ? ", " + TriggerSql.Moved(tenant, table) : "")})";

    /// <summary>The statements that create the function; safe to repeat.</summary>
    public string Create()
    {
        // Only a row that was the tenant's may be left alone.
        var body = $"""
            BEGIN
                {names.LockGate}
                IF {IsOurs("OLD")} THEN
                    IF ({names.IsCalm}) IS NOT TRUE THEN
                        {TriggerSql.Skip(names.Key)}
                        {names.Hold}
                    END IF;
                    IF {IsOurs("NEW")} THEN RETURN NEW; END IF;
                ELSIF ({names.IsCalm}) IS NOT TRUE THEN
                    {names.Hold}
                END IF;
                IF TG_NARGS OPERATOR(pg_catalog.>) 1 THEN
                    PERFORM tenant_promotion.tell_moved(TG_ARGV[1:], OLD, NEW);
                END IF;
                RETURN NEW;
            END
            """;
        return $"""
            CREATE OR REPLACE FUNCTION {GuardNames.Quoted(name)}() RETURNS trigger LANGUAGE plpgsql
                SECURITY DEFINER AS {Sql.Literal(body)};
            REVOKE ALL ON FUNCTION {GuardNames.Quoted(name)}() FROM PUBLIC;

            """;
    }

    string IsOurs(string row) =>
        $"{row}.{Sql.Identifier(table.TenantColumn.Name)} OPERATOR(pg_catalog.=) {names.Key}::{TypeOf(table.TenantColumn)}";

    // A type whose equality is PostgreSQL's own. A temporary type of the name "text" would be found first.
    static string? TypeOf(Column column) =>
        column switch
        {
            { IsEqualAsText: false } or { OwnEquality: not null } => null,
            { Family: "integer" } => "pg_catalog.int8",
            { Family: "uuid" } => "pg_catalog.uuid",
            { Family: "text" } when !column.TypeText.StartsWith("character(", StringComparison.Ordinal) =>
                "pg_catalog.text",
            _ => null,
        };
}
