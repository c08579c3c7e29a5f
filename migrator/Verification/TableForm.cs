using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Verification;

/// <summary>
/// Whether the result of an earlier run still holds for a table: its files on both sides, its columns, and the triggers
/// that keep everybody else from writing it in the isolated database. Whoever switches one of these off and on again
/// leaves another version of its row in the catalog.
/// </summary>
public static class TableForm
{
    /// <summary>A text that is the same as long as nothing of that has changed.</summary>
    public static async Task<string> ReadAsync(
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        ScopedTable table,
        CancellationToken cancellationToken
    )
    {
        var names = table.Table.Leaves.Select(leaf => leaf.Name.Quoted).Append(table.Name.Quoted).Distinct().ToArray();
        var columns = table.Table.StoredColumns.Select(column => $"{column.Name} {column.TypeText}");
        return string.Join(
            '\n',
            await FilesAsync(shared, names, cancellationToken),
            await FilesAsync(isolated, names, cancellationToken),
            await isolated.ExecuteScalarAsync<string>(
                """
                SELECT md5(string_agg(concat_ws(' ', t.oid, t.xmin, t.tgenabled, p.prosrc), ',' ORDER BY t.oid))
                FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgname = @Trigger AND t.tgrelid IN (SELECT to_regclass(name) FROM unnest(@names) name)
                """,
                new { ArrivalGuard.Trigger, names },
                cancellationToken
            ),
            string.Join(", ", columns)
        );
    }

    static Task<string?> FilesAsync(NpgsqlConnection side, string[] names, CancellationToken cancellationToken) =>
        side.ExecuteScalarAsync<string>(
            """
            SELECT string_agg(concat_ws(' ', c.oid, pg_relation_filenode(c.oid)), ',' ORDER BY c.oid)
            FROM pg_class c WHERE c.oid IN (SELECT to_regclass(name) FROM unnest(@names) name)
            """,
            new { names },
            cancellationToken
        );
}
