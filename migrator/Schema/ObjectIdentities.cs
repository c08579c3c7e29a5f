using Migrator.Connections;
using Npgsql;

namespace Migrator.Schema;

/// <summary>Names of a database's objects that mean the same in another database.</summary>
static class ObjectIdentities
{
    const string Relations = """
        SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND oid >= 16384
        UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE oid >= 16384
        """;

    const string OnRelations = """
        SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
        WHERE connamespace >= 16384 OR connamespace = to_regnamespace('public')
        UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relkind IN ('i', 'I', 'm') AND oid >= 16384
        UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy
        UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite WHERE oid >= 16384
        UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext
        """;

    /// <summary>What the entries of an archive describe.</summary>
    public static async Task<Dictionary<(uint, uint), string>> OfAsync(
        NpgsqlConnection connection,
        IReadOnlyList<ArchiveEntry> entries,
        CancellationToken cancellationToken
    )
    {
        var described = entries.Where(entry => entry.IsDescribed).ToArray();
        var rows = await connection.QueryAsync<(uint Class, uint Object, string Identity)>(
            """
            SELECT o.class, o.object, i.type || ' ' || i.identity
            FROM unnest(CAST(@classes AS oid[]), CAST(@objects AS oid[])) AS o (class, object),
                 pg_identify_object(o.class, o.object, 0) AS i
            WHERE i.identity IS NOT NULL
            """,
            new
            {
                classes = described.Select(entry => (long)entry.ClassId).ToArray(),
                objects = described.Select(entry => (long)entry.ObjectId).ToArray(),
            },
            cancellationToken
        );
        return rows.DistinctBy(row => (row.Class, row.Object))
            .ToDictionary(row => (row.Class, row.Object), row => row.Identity);
    }

    /// <summary>Tables, views, sequences, functions and types.</summary>
    public static Task<HashSet<string>> OfRelationsAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) => ReadAsync(connection, Relations, cancellationToken);

    /// <summary>What hangs from tables and views: constraints, indexes, triggers, policies, rules, statistics.</summary>
    public static Task<HashSet<string>> OnRelationsAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) => ReadAsync(connection, OnRelations, cancellationToken);

    /// <param name="objects">A query of the objects' classes and ids.</param>
    static async Task<HashSet<string>> ReadAsync(
        NpgsqlConnection connection,
        string objects,
        CancellationToken cancellationToken
    ) =>
        [
            .. await connection.QueryAsync<string>(
                $"""
                SELECT i.type || ' ' || i.identity
                FROM ({objects}) o (class, object), pg_identify_object(o.class, o.object, 0) i
                """,
                cancellationToken
            ),
        ];
}
