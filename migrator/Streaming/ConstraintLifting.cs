using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// Takes away what a copied row need not satisfy, and puts it back: constraints NOT VALID, which rows that are older do not
/// keep, and GENERATED ALWAYS, which refuses every value in an UPDATE but DEFAULT. Inside one transaction no other session
/// sees the difference.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT</remarks>
public static class ConstraintLifting
{
    /// <summary>Drops the constraints NOT VALID of tables and of the domains that they use.</summary>
    /// <param name="domainsOnly">Only what a mere value has to satisfy.</param>
    /// <returns>The statements that create them again, NOT VALID; null when there are none.</returns>
    public static async Task<string?> LiftAsync(
        NpgsqlConnection connection,
        IEnumerable<TableName> tables,
        bool domainsOnly,
        CancellationToken cancellationToken
    )
    {
        var constraints = await connection.QueryAsync<Constraint>(
            SqlFile.Read("not-valid.sql"),
            new { tables = tables.Select(table => table.Quoted).ToArray(), domainsOnly },
            cancellationToken
        );
        if (constraints.Count == 0)
            return null;
        await DropAsync(connection, constraints, cancellationToken);
        // Heirs first: a constraint that a table and its ancestor have both is a merger of two.
        return string.Concat(constraints.Reverse().Select(one => one.Restoration));
    }

    /// <summary>Drops the foreign keys of tables, those to other tables.</summary>
    /// <returns>The statements that create them again; null when there are none.</returns>
    /// <remarks>https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT</remarks>
    public static async Task<string?> LiftKeysAsync(
        NpgsqlConnection connection,
        IEnumerable<TableName> tables,
        CancellationToken cancellationToken
    )
    {
        var keys = await connection.QueryAsync<Constraint>(
            """
            SELECT format('TABLE %I.%I', n.nspname, c.relname) AS "Owner", format('%I', con.conname) AS "Name",
                   pg_get_constraintdef(con.oid)
                       || CASE WHEN c.relkind = 'p' OR NOT con.convalidated THEN '' ELSE ' NOT VALID' END AS "Definition",
                   obj_description(con.oid, 'pg_constraint') AS "Comment"
            FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE con.contype = 'f' AND con.conparentid = 0 AND con.conrelid = ANY (CAST(@tables AS regclass[]))
              AND pg_get_constraintdef(con.oid) NOT LIKE '% NOT ENFORCED'
            ORDER BY con.oid
            """,
            new { tables = tables.Select(table => table.Quoted).ToArray() },
            cancellationToken
        );
        if (keys.Count == 0)
            return null;
        await DropAsync(connection, keys, cancellationToken);
        return string.Concat(keys.Select(key => key.Restoration));
    }

    /// <summary>
    /// Checks the rows of tables against the foreign keys that came back NOT VALID, beside the application's writes.
    /// </summary>
    /// <param name="valid">Names of the keys that are valid in the other database, as table and constraint.</param>
    public static async Task ValidateKeysAsync(
        NpgsqlConnection connection,
        IReadOnlyList<(string Table, string Name)> valid,
        CancellationToken cancellationToken
    )
    {
        foreach (
            var statement in await connection.QueryAsync<string>(
                """
                SELECT format('ALTER TABLE %s VALIDATE CONSTRAINT %I', con.conrelid::regclass, con.conname)
                FROM unnest(@tables, @names) v (relation, name)
                JOIN pg_constraint con ON con.conrelid = to_regclass(v.relation) AND con.conname = v.name
                WHERE con.contype = 'f' AND NOT con.convalidated
                ORDER BY con.oid
                """,
                new
                {
                    tables = valid.Select(one => one.Table).ToArray(),
                    names = valid.Select(one => one.Name).ToArray(),
                },
                cancellationToken
            )
        )
            await connection.ExecuteAsync(statement, cancellationToken);
    }

    /// <summary>The foreign keys of tables that are valid.</summary>
    public static Task<IReadOnlyList<(string Table, string Name)>> ValidKeysAsync(
        NpgsqlConnection connection,
        IEnumerable<TableName> tables,
        CancellationToken cancellationToken
    ) =>
        connection.QueryAsync<(string Table, string Name)>(
            """
            SELECT con.conrelid::regclass::text, con.conname::text FROM pg_constraint con
            WHERE con.contype = 'f' AND con.convalidated AND con.conparentid = 0
              AND con.conrelid = ANY (CAST(@tables AS regclass[]))
            """,
            new { tables = tables.Select(table => table.Quoted).ToArray() },
            cancellationToken
        );

    /// <summary>Lets an update set the identities of these tables that are always generated.</summary>
    /// <returns>The statements that take this back; null when there are none.</returns>
    public static async Task<string?> LiftIdentitiesAsync(
        NpgsqlConnection connection,
        IEnumerable<TableDefinition> tables,
        CancellationToken cancellationToken
    )
    {
        string[] columns =
        [
            .. tables.SelectMany(table =>
                table
                    .Columns.Where(column => column.AlwaysIdentity)
                    .Select(column => $"ALTER TABLE {table.Name.Quoted} ALTER COLUMN {Sql.Identifier(column.Name)} ")
            ),
        ];
        if (columns.Length == 0)
            return null;
        await connection.ExecuteAsync(
            string.Concat(columns.Select(column => column + "SET GENERATED BY DEFAULT;\n")),
            cancellationToken
        );
        return string.Concat(columns.Select(column => column + "SET GENERATED ALWAYS;\n"));
    }

    /// <summary>
    /// Writes values that need not satisfy what is NOT VALID of their domains, in the caller's transaction.
    /// </summary>
    public static Task<T> WithoutDomainsAsync<T>(
        NpgsqlConnection connection,
        TableName table,
        Func<Task<T>> write,
        CancellationToken cancellationToken
    ) =>
        Suspension.WriteAsync(
            connection,
            () => LiftAsync(connection, [table], domainsOnly: true, cancellationToken),
            write,
            cancellationToken
        );

    static Task DropAsync(
        NpgsqlConnection connection,
        IReadOnlyList<Constraint> constraints,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            string.Concat(constraints.Select(one => $"ALTER {one.Owner} DROP CONSTRAINT {one.Name};\n")),
            cancellationToken
        );

    sealed record Constraint(string Owner, string Name, string Definition, string? Comment)
    {
        public string Restoration =>
            $"ALTER {Owner} ADD CONSTRAINT {Name} {Definition};\n"
            + (Comment is null ? "" : $"COMMENT ON CONSTRAINT {Name} ON {Place} IS {Sql.Literal(Comment)};\n");

        // COMMENT names a domain as such, and a table by its name only.
        string Place => Owner.StartsWith("TABLE ", StringComparison.Ordinal) ? Owner["TABLE ".Length..] : Owner;
    }
}
