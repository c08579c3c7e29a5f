using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>A trigger of ours that has to stand on a table.</summary>
/// <param name="Function">The function that it calls, if the trigger's name does not tell.</param>
public sealed record StandingTrigger(TableName Table, string Name, string? Function = null);

/// <summary>The triggers and functions of a guard or of the fence, as the catalog has them.</summary>
static class OwnTriggers
{
    /// <summary>
    /// The condition that a trigger, seen as <c>t</c> in pg_trigger, is ours: anybody may give that name to a trigger on a
    /// table of their own, and nobody can have it call a function of ours.
    /// </summary>
    public const string IsOurs = """
        t.tgfoid IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace
                     WHERE s.nspname = 'tenant_promotion')
        """;

    /// <summary>Those that are not there, or do not fire in every session. A table that is gone needs no trigger.</summary>
    public static Task<IReadOnlyList<(string Table, string Trigger)>> MissingAsync(
        NpgsqlConnection connection,
        IReadOnlyList<StandingTrigger> expected,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<(string, string)>(
            $"""
            SELECT e.name, e.trigger
            FROM unnest(@tables, @names, @functions) e (name, trigger, function)
            JOIN pg_class c ON c.oid = to_regclass(e.name)
            WHERE NOT EXISTS (
                SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgrelid = c.oid AND t.tgname = e.trigger AND t.tgenabled = 'A'
                  AND {IsOurs} AND (e.function = '' OR p.proname = e.function))
            ORDER BY 1, 2
            """,
            new
            {
                tables = expected.Select(one => one.Table.Quoted).ToArray(),
                names = expected.Select(one => one.Name).ToArray(),
                functions = expected.Select(one => one.Function ?? "").ToArray(),
            },
            cancellationToken
        );

    /// <summary>For a person.</summary>
    public static IReadOnlyList<string> Shown(IEnumerable<(string Table, string Trigger)> missing) =>
        [.. missing.Select(one => $"{one.Table} ({one.Trigger})")];

    /// <summary>
    /// The statements that drop all triggers whose names begin with a prefix, table by table. From the catalog and not from
    /// the scope: a table may have been renamed meanwhile.
    /// </summary>
    public static async Task<IReadOnlyList<(TableName Table, string Drop)>> DropsAsync(
        NpgsqlConnection connection,
        string prefix,
        CancellationToken cancellationToken
    )
    {
        var installed = await connection.QueryAsync<(string Schema, string Table, string Trigger)>(
            $"""
            SELECT n.nspname, c.relname, t.tgname
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE starts_with(t.tgname, @prefix) AND t.tgparentid = 0 AND {IsOurs}
            """,
            new { prefix },
            cancellationToken
        );
        return
        [
            .. installed
                .GroupBy(row => new TableName(row.Schema, row.Table))
                .Select(table =>
                    (
                        table.Key,
                        string.Concat(
                            table.Select(row =>
                                $"DROP TRIGGER IF EXISTS {Sql.Identifier(row.Trigger)} ON {table.Key.Quoted};\n"
                            )
                        )
                    )
                ),
        ];
    }

    /// <summary>Drops the functions whose names begin with a prefix and that no trigger calls, as <see cref="OwnRemains"/>.</summary>
    public static async Task DropFunctionsAsync(
        NpgsqlConnection connection,
        string prefix,
        CancellationToken cancellationToken
    )
    {
        var functions = await connection.QueryAsync<string>(
            """
            SELECT proname FROM pg_proc p
            WHERE pronamespace = 'tenant_promotion'::regnamespace AND starts_with(proname, @prefix)
              AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)
            """,
            new { prefix },
            cancellationToken
        );
        await OwnRemains.DropAsync(
            connection,
            functions.Select(function => $"DROP FUNCTION IF EXISTS {GuardNames.Quoted(function)}()"),
            null,
            cancellationToken
        );
    }
}
