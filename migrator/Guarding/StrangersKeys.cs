using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Guarding;

/// <summary>
/// Foreign keys by which tables of strangers refer to ours. PostgreSQL looks for such rows when a row of ours is deleted, or
/// its key changes, in the session of whoever does that: casts, index predicates and triggers of the stranger's table run
/// there. A key needs no more than the right REFERENCES.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/ddl-priv.html</remarks>
public static class StrangersKeys
{
    /// <summary>To be called behind a lock of the tables, before rows are deleted or changed.</summary>
    /// <exception cref="MigratorException">There is such a key; the message names its owner.</exception>
    public static async Task RequireNoneAsync(
        NpgsqlConnection connection,
        IEnumerable<WrittenTable> written,
        CancellationToken cancellationToken
    )
    {
        var all = written.ToArray();
        if (all.Length == 0)
            return;
        var key = await connection.QueryFirstOrDefaultAsync<StrangersKey>(
            """
            SELECT con.conname::text AS "Name", con.conrelid::regclass::text AS "Table",
                   pg_get_userbyid(c.relowner)::text AS "Owner", con.confrelid::regclass::text AS "Referred"
            FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_roles r ON r.oid = c.relowner
            JOIN (SELECT coalesce(tree.relid::oid, named.oid) AS relation, named.kept
                  FROM (SELECT to_regclass(name)::oid AS oid, CAST(kept AS text[]) AS kept
                        FROM unnest(@tables, @kept) w (name, kept)) named
                  LEFT JOIN LATERAL pg_partition_tree(named.oid) tree ON true) written ON written.relation = con.confrelid
            WHERE con.contype = 'f' AND NOT r.rolsuper AND NOT pg_has_role(c.relowner, 'USAGE')
              AND EXISTS (SELECT FROM pg_attribute a
                          WHERE a.attrelid = con.confrelid AND a.attnum = ANY (con.confkey) AND a.attname::text <> ALL (written.kept))
            ORDER BY con.oid LIMIT 1
            """,
            new
            {
                tables = all.Select(one => one.Table.Quoted).ToArray(),
                kept = all.Select(one => "{" + string.Join(',', one.Kept.Select(Element)) + "}").ToArray(),
            },
            cancellationToken
        );
        if (key is not null)
            throw ObjectMessages.KeyOfStranger(key.Name, key.Table, key.Owner, key.Referred);
    }

    // As an array's element: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    static string Element(string name) => '"' + name.Replace("\\", "\\\\").Replace("\"", "\\\"") + '"';

    sealed record StrangersKey(string Name, string Table, string Owner, string Referred);
}
