using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Journal;

/// <summary>The definitions of the shared database's objects, as the promotion knows them.</summary>
public static class SchemaRecord
{
    static readonly string Definitions = SqlFile.Read("definitions.sql");

    /// <summary>Records the present definitions; the copy is of this schema from here on.</summary>
    public static Task WriteAsync(NpgsqlConnection shared, long promotion, CancellationToken cancellationToken) =>
        shared.ExecuteAsync(
            $"""
            WITH gone AS (DELETE FROM tenant_promotion.definition WHERE promotion_id = @promotion)
            INSERT INTO tenant_promotion.definition (promotion_id, kind, schema_name, relation, object, definition)
            SELECT @promotion, kind, schema, relation, object, definition FROM ({Definitions}) now
            """,
            new { promotion },
            cancellationToken
        );

    /// <summary>The objects whose definitions are not the recorded ones.</summary>
    public static async Task<IReadOnlyList<SchemaChange>> ChangesAsync(
        NpgsqlConnection shared,
        long promotion,
        CancellationToken cancellationToken
    )
    {
        var rows = await shared.QueryAsync<Row>(
            $"""
            SELECT coalesce(now.kind, "then".kind) AS "Kind", coalesce(now.schema, "then".schema_name) AS "Schema",
                   coalesce(now.relation, "then".relation) AS "Relation", coalesce(now.object, "then".object) AS "Object",
                   "then".definition AS "Before", now.definition AS "After"
            FROM ({Definitions}) now
            FULL JOIN (SELECT * FROM tenant_promotion.definition WHERE promotion_id = @promotion) "then"
              ON (now.kind, now.schema, coalesce(now.relation, ''), now.object)
               = ("then".kind, "then".schema_name, coalesce("then".relation, ''), "then".object)
            WHERE now.definition IS DISTINCT FROM "then".definition
            ORDER BY 1, 4
            """,
            new { promotion },
            cancellationToken
        );
        return
        [
            .. rows.Select(row => new SchemaChange(
                row.Kind,
                row.Schema,
                row.Relation,
                row.Object,
                row.Before,
                row.After
            )),
        ];
    }

    /// <summary>The names of these objects that have another definition in this database.</summary>
    public static Task<IReadOnlyList<string>> DifferingAsync(
        NpgsqlConnection connection,
        IReadOnlyList<SchemaChange> changes,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<string>(
            $"""
            SELECT change.kind || ' ' || change.object
            FROM unnest(@kinds, @schemas, @objects, @definitions) AS change (kind, schema, object, definition)
            LEFT JOIN ({Definitions}) now USING (kind, schema, object)
            WHERE now.definition IS DISTINCT FROM change.definition
            """,
            new
            {
                kinds = changes.Select(change => change.Kind).ToArray(),
                schemas = changes.Select(change => change.Schema).ToArray(),
                objects = changes.Select(change => change.Name).ToArray(),
                definitions = changes.Select(change => change.After).ToArray(),
            },
            cancellationToken
        );

    /// <summary>Records the present definitions of these objects, and of no others.</summary>
    public static Task AcceptAsync(
        NpgsqlConnection shared,
        long promotion,
        IReadOnlyList<SchemaChange> changes,
        CancellationToken cancellationToken
    ) =>
        shared.ExecuteAsync(
            """
            WITH change AS (
                SELECT * FROM unnest(@kinds, @schemas, @relations, @objects, @definitions)
                    AS change (kind, schema_name, relation, object, definition)
            ), gone AS (
                DELETE FROM tenant_promotion.definition d USING change c
                WHERE d.promotion_id = @promotion AND (d.kind, d.schema_name, d.object) = (c.kind, c.schema_name, c.object)
                  AND d.relation IS NOT DISTINCT FROM c.relation
            )
            INSERT INTO tenant_promotion.definition (promotion_id, kind, schema_name, relation, object, definition)
            SELECT @promotion, kind, schema_name, relation, object, definition FROM change WHERE definition IS NOT NULL
            """,
            new
            {
                promotion,
                kinds = changes.Select(change => change.Kind).ToArray(),
                schemas = changes.Select(change => change.Schema).ToArray(),
                relations = changes.Select(change => change.Relation).ToArray(),
                objects = changes.Select(change => change.Name).ToArray(),
                definitions = changes.Select(change => change.After).ToArray(),
            },
            cancellationToken
        );

    sealed class Row
    {
        public string Kind { get; init; } = "";
        public string Schema { get; init; } = "";
        public string? Relation { get; init; }
        public string Object { get; init; } = "";
        public string? Before { get; init; }
        public string? After { get; init; }
    }
}
