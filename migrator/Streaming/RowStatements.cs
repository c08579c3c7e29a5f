using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Streaming;

/// <summary>
/// The statements that write rows of a table of the stream. Values are sent as the text that the server itself writes
/// and reads.
/// </summary>
sealed class RowStatements
{
    readonly StreamedTable table;
    readonly TenantScope scope;
    readonly TenantId tenant;
    readonly bool reverse;

    public RowStatements(StreamedTable table, TenantScope scope, TenantId tenant, bool reverse)
    {
        this.table = table;
        this.scope = scope;
        this.tenant = tenant;
        this.reverse = reverse;
        // Each row of a tree tells whose those below are.
        Insertion = new(
            table,
            StatementKind.Insert,
            reverse ? Inserting("", Wanted) : Upserting(UpdateOthers, Wanted),
            oneByOne: table.Table.Tree is not null
        );
        // The source has told whose the row is. In a tree the rows above may come after it.
        var wanted = table.Table.Tree is null ? Wanted : "true";
        MissingInsertion = new(table, StatementKind.Insert, Upserting(_ => "DO NOTHING", wanted));
        Deletion = new(table, StatementKind.Delete, Deleting);
    }

    public RowStatement Insertion { get; }

    /// <summary>Inserts a row unless there is one with its key.</summary>
    public RowStatement MissingInsertion { get; }

    public RowStatement Deletion { get; }

    // In the shared database a statement reaches only the tenant's rows, whatever the key says.
    string OursOnly => reverse ? $" AND {table.OursInTarget}" : "";

    // Which of new rows, seen as n, are to be written: a derived row does not tell whose it is. In the shared database the
    // row that it names may be another tenant's, whatever had that key in the isolated one.
    string Wanted =>
        !table.Table.IsByReference ? "true"
        : reverse ? $"{scope.Arrived(table.Table, "n")} AND {table.OursAs("n")}"
        : scope.CopiedOfFew(table.Table, "n", tenant);

    // The same of a row as it will be, where only some columns are set.
    string StaysOurs(int[] set)
    {
        if (!reverse || !table.Table.IsByReference)
            return "";
        var columns = table
            .Table.Claims.SelectMany(claim => claim.Columns)
            .Concat(table.Definition.Key)
            .Distinct()
            .Select(name =>
                (Name: Sql.Identifier(name), Place: Array.FindIndex(set, i => table.Columns[i].Name == name))
            )
            .Select(column => (column.Place < 0 ? $"t.{column.Name}" : $"n.v{column.Place}") + $" AS {column.Name}");
        return $" AND (SELECT {table.OursAs("x")} FROM (SELECT {string.Join(", ", columns)}) x)";
    }

    string Names => Sql.Identifiers(table.Columns.Select(column => column.Name));

    int[] AllColumns => [.. Enumerable.Range(0, table.Columns.Count)];

    string UpdateOthers(string source)
    {
        var set = table
            .Columns.Where(column => table.CanSet(column) && !table.Definition.Key.Contains(column.Name))
            .Select(column => $"{Sql.Identifier(column.Name)} = {source}.{Sql.Identifier(column.Name)}")
            .ToArray();
        return set.Length == 0 ? "DO NOTHING" : "UPDATE SET " + string.Join(", ", set);
    }

    /// <param name="onFound">What happens to the row that has the key, as an alias of the new row has it.</param>
    Func<int, string> Upserting(Func<string, string> onFound, string wanted)
    {
        if (table.Definition.KeyExcludes)
            return Merging(onFound("n"), wanted);
        var found = onFound("excluded");
        var action = found.StartsWith("UPDATE", StringComparison.Ordinal) ? "DO " + found : found;
        return Inserting($" ON CONFLICT ({Sql.Identifiers(table.Definition.Key)}) {action}", wanted);
    }

    Func<int, string> Inserting(string onConflict, string wanted)
    {
        var target = $"INSERT INTO {table.Name.Quoted} ({Names}) OVERRIDING SYSTEM VALUE ";
        return wanted == "true"
            ? rows => $"{target}VALUES {Values(rows, AllColumns, typed: false)}{onConflict}"
            : rows => $"{target}{Among(rows, wanted)}{onConflict}";
    }

    // ON CONFLICT does not know a key WITHOUT OVERLAPS.
    Func<int, string> Merging(string onFound, string wanted)
    {
        var values = Sql.Identifiers("n", table.Columns.Select(column => column.Name));
        var same = table.KeyPositions.Select(position =>
            (Column: table.Columns[position], Name: Sql.Identifier(table.Columns[position].Name))
        );
        var condition = string.Join(" AND ", same.Select(one => $"t.{one.Name} {one.Column.Equality} n.{one.Name}"));
        return rows =>
            $"""
                MERGE INTO {table.Definition.From} t USING ({Among(rows, wanted)}) n ON {condition}
                WHEN MATCHED THEN {onFound}
                WHEN NOT MATCHED THEN INSERT ({Names}) OVERRIDING SYSTEM VALUE VALUES ({values})
                """;
    }

    string Among(int rows, string wanted) =>
        $"SELECT {Names} FROM (VALUES {Values(rows, AllColumns)}) n ({Names}) WHERE {wanted}";

    public Func<int, string> Updating(int[] set)
    {
        var assignments = string.Join(", ", set.Select((i, n) => $"{Sql.Identifier(table.Columns[i].Name)} = n.v{n}"));
        var aliases = Aliases(set.Length + table.KeyPositions.Count);
        var stays = StaysOurs(set);
        return rows =>
            $"""
                UPDATE {table.Definition.From} t SET {assignments}
                FROM (VALUES {Values(rows, [.. set, .. table.KeyPositions])}) n ({aliases})
                WHERE {ByKey(set.Length)}{OursOnly}{stays}
                """;
    }

    // Parameters are of type unknown. Where the statement does not tell what types they have, the casts in the first
    // row do.
    string Values(int rows, IReadOnlyList<int> positions, bool typed = true)
    {
        string Parameter(int row, int n) =>
            $"${row * positions.Count + n + 1}" + (typed && row == 0 ? table.Cast(positions[n]) : "");
        string Row(int row) => string.Join(", ", Enumerable.Range(0, positions.Count).Select(n => Parameter(row, n)));
        return string.Join(", ", Enumerable.Range(0, rows).Select(row => $"({Row(row)})"));
    }

    static string Aliases(int count) => string.Join(", ", Enumerable.Range(0, count).Select(n => $"v{n}"));

    string ByKey(int first) =>
        string.Join(
            " AND ",
            table.KeyPositions.Select(
                (position, n) =>
                    $"t.{Sql.Identifier(table.Columns[position].Name)} {table.Columns[position].Equality} n.v{first + n}"
            )
        );

    string Deleting(int rows)
    {
        var (values, aliases) = (Values(rows, table.KeyPositions), Aliases(table.KeyPositions.Count));
        return $"""
            DELETE FROM {table.Definition.From} t USING (VALUES {values}) n ({aliases})
            WHERE {ByKey(0)}{OursOnly}
            """;
    }
}
