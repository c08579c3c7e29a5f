using Migrator.Connections;
using Npgsql;

namespace Migrator.Schema;

/// <summary>Which part of a schema an entry of the archive belongs to.</summary>
/// <param name="keys">Object ids of primary keys and replica identities.</param>
/// <param name="keyIndexes">Their schema and name as the table of contents has them.</param>
sealed class SchemaParts(HashSet<uint> keys, HashSet<string> keyIndexes)
{
    public static async Task<SchemaParts> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var keys = await KeysAsync(connection, cancellationToken);
        return new(
            [.. keys.Select(key => key.Oid)],
            [.. keys.Select(key => TableOfContents.Listed($"{key.Schema} {key.Name} "))]
        );
    }

    public SchemaPart Of(ArchiveEntry entry) =>
        entry.Kind switch
        {
            "SCHEMA" => SchemaPart.Schemas,
            "ACL" or "COMMENT" when entry.Describes("SCHEMA ") => SchemaPart.Schemas,
            "ACL" when !entry.Postponed => SchemaPart.Grants,
            "CONSTRAINT" or "INDEX" when keys.Contains(entry.ObjectId) => SchemaPart.PrimaryKeys,
            "INDEX ATTACH"
                when keyIndexes.Any(key => entry.Line.Contains(" INDEX ATTACH " + key, StringComparison.Ordinal)) =>
                SchemaPart.PrimaryKeys,
            "INDEX" or "INDEX ATTACH" or "CONSTRAINT" or "CHECK CONSTRAINT" or "FK CONSTRAINT" or "STATISTICS" =>
                SchemaPart.PostData,
            "RULE" when entry.IsViewBody => SchemaPart.PostData,
            "TRIGGER" or "POLICY" or "ROW SECURITY" => SchemaPart.TriggersAndPolicies,
            "RULE" => SchemaPart.Rules,
            // Default privileges come last: otherwise they would add grants to objects that are restored after them.
            "DEFAULT ACL" => SchemaPart.TriggersAndPolicies,
            "COMMENT" when entry.Describes("INDEX ", "CONSTRAINT ", "STATISTICS ") => SchemaPart.PostData,
            "COMMENT" when entry.Describes("TRIGGER ", "POLICY ") => SchemaPart.TriggersAndPolicies,
            "COMMENT" when entry.Describes("RULE ") => SchemaPart.Rules,
            _ => entry.Postponed ? SchemaPart.PostData : SchemaPart.PreData,
        };

    static Task<IReadOnlyList<(uint Oid, string Schema, string Name)>> KeysAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<(uint Oid, string Schema, string Name)>(
            """
            SELECT coalesce(con.oid, i.indexrelid), n.nspname, c.relname
            FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            -- The index of a partition comes with that of the whole table, and cannot come without it.
            JOIN pg_index whole ON whole.indexrelid = coalesce(pg_partition_root(c.oid), c.oid)
            LEFT JOIN pg_constraint con ON con.conindid = c.oid AND con.contype IN ('p', 'u')
            -- A key WITHOUT OVERLAPS is for rows that are consistent.
            WHERE (whole.indisprimary OR whole.indisreplident) AND NOT i.indisexclusion
            """,
            cancellationToken
        );
}
