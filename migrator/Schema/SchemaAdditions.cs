using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Schema;

/// <summary>Makes in the isolated database what has come to the shared one since it was cloned.</summary>
public static class SchemaAdditions
{
    /// <summary>Adds nullable columns and enum labels; safe to repeat.</summary>
    public static async Task AddAsync(
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        IReadOnlyList<SchemaChange> changes,
        CancellationToken cancellationToken
    )
    {
        foreach (var change in changes)
        foreach (var (label, before) in change.NewLabels ?? [])
            await isolated.ExecuteAsync(
                $"ALTER TYPE {Quoted(change)} ADD VALUE IF NOT EXISTS {Sql.Literal(label)}"
                    + (before is null ? "" : $" BEFORE {Sql.Literal(before)}"),
                cancellationToken
            );
        var columns = changes.Where(change => change is { Kind: "column", IsNew: true }).ToArray();
        foreach (var statement in await StatementsAsync(shared, columns, cancellationToken))
            await isolated.ExecuteAsync(statement, cancellationToken);
    }

    /// <summary>
    /// Gives functions that both databases have the bodies that the shared one has; their owners and grants stay. In the
    /// caller's transaction.
    /// </summary>
    public static async Task ReplaceFunctionsAsync(
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        IReadOnlyList<SchemaChange> functions,
        CancellationToken cancellationToken
    )
    {
        if (functions.Count == 0)
            return;
        var statements = await shared.QueryAsync<string>(
            """
            SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            JOIN unnest(@schemas, @functions) AS function (schema, name) ON function.schema = n.nspname
             AND function.name
                 = n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
            """,
            new
            {
                schemas = functions.Select(change => change.Schema).ToArray(),
                functions = functions.Select(change => change.Name).ToArray(),
            },
            cancellationToken
        );
        // The search path of this session is not the one that the bodies are written for.
        await isolated.ExecuteAsync("SET LOCAL check_function_bodies = off", cancellationToken);
        foreach (var statement in statements)
        {
            // The driver would cut a body in SQL's own notation (BEGIN ATOMIC) at its semicolons.
            await using var batch = new NpgsqlBatch(isolated) { BatchCommands = { new(statement) } };
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    static string Quoted(SchemaChange type) => new TableName(type.Schema, type.Name[(type.Schema.Length + 1)..]).Quoted;

    // A partition gets its columns with the table that it is a part of.
    static Task<IReadOnlyList<string>> StatementsAsync(
        NpgsqlConnection shared,
        IReadOnlyList<SchemaChange> columns,
        CancellationToken cancellationToken
    ) =>
        shared.QueryAsync<string>(
            """
            SELECT format('ALTER TABLE %I.%I ADD COLUMN IF NOT EXISTS %I %s%s', n.nspname, c.relname, a.attname,
                          format_type(a.atttypid, a.atttypmod),
                          (SELECT format(' COLLATE %I.%I', cn.nspname, co.collname)
                           FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                           WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation))
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_type t ON t.oid = a.atttypid
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
              AND n.nspname || '.' || c.relname || '.' || a.attname = ANY (@columns)
            ORDER BY c.oid, a.attnum
            """,
            new { columns = columns.Select(change => change.Name).ToArray() },
            cancellationToken
        );
}
