using System.Text;
using Migrator.Tests.Support;

namespace Migrator.Tests.Properties;

/// <param name="Key">uuid, bigint, text, composite or none.</param>
/// <param name="Parent">The table it refers to, by index; negative for none.</param>
/// <param name="Derived">It has no tenant column and belongs by its parent.</param>
sealed record RandomTable(
    string Key,
    int Parent,
    bool Derived,
    bool Nullable,
    bool SelfReference,
    bool Generated,
    bool Partitioned,
    int Rows
);

/// <summary>The statements that make random tables, fill them and change them.</summary>
static class RandomSql
{
    static bool HasKey(RandomTable table) => table.Key != "none";

    // A parent is an earlier table with a key of one column.
    static int? ParentOf(RandomTable[] tables, int index) =>
        tables[index].Parent >= 0
        && tables[index].Parent < index
        && tables[tables[index].Parent] is { Key: "uuid" or "bigint" or "text" } parent
        && !(parent.Nullable && IsDerived(tables, tables[index].Parent))
            ? tables[index].Parent
            : null;

    static bool IsDerived(RandomTable[] tables, int index) =>
        tables[index].Derived && ParentOf(tables, index) is not null;

    static bool IsPartitioned(RandomTable table) => table is { Partitioned: true, Key: "none" };

    public static string Schema(RandomTable[] tables)
    {
        var sql = new StringBuilder();
        for (var n = 0; n < tables.Length; n++)
        {
            var table = tables[n];
            sql.AppendLine(
                $"CREATE TABLE t{n} ({string.Join(", ", Columns(tables, n))})"
                    + (IsPartitioned(table) ? " PARTITION BY RANGE (n);" : ";")
            );
            if (IsPartitioned(table))
                sql.AppendLine(
                    $"""
                    CREATE TABLE t{n}_low PARTITION OF t{n} FOR VALUES FROM (MINVALUE) TO (20);
                    CREATE TABLE t{n}_high PARTITION OF t{n} DEFAULT;
                    """
                );
        }
        return sql.ToString();
    }

    static List<string> Columns(RandomTable[] tables, int n)
    {
        var table = tables[n];
        var columns = new List<string> { "body text", "amount numeric", "n integer NOT NULL" };
        if (table.Generated)
            columns.Add("doubled integer GENERATED ALWAYS AS (n * 2) STORED");
        if (!IsDerived(tables, n))
            columns.Add("tenant_id bigint" + (table.Nullable ? "" : " NOT NULL"));
        columns.Add(
            table.Key switch
            {
                "composite" => "a bigint, b text, PRIMARY KEY (a, b)",
                "none" => "word text",
                var type => $"id {type} PRIMARY KEY",
            }
        );
        if (ParentOf(tables, n) is { } parent)
            columns.Add(
                $"parent {tables[parent].Key}{(IsDerived(tables, n) && !table.Nullable ? " NOT NULL" : "")} "
                    + $"REFERENCES t{parent} ON DELETE CASCADE"
            );
        if (table is { SelfReference: true, Key: "uuid" or "bigint" or "text" })
            columns.Add($"elder {table.Key} REFERENCES t{n} ON DELETE SET NULL");
        return columns;
    }

    // Row n belongs to tenant 1 or 2 by its parity, and its parent and elder do too.
    public static string Rows(RandomTable[] tables, int seed)
    {
        var sql = new StringBuilder($"SELECT setseed({(seed % 1000) / 1000.0});\n");
        for (var n = 0; n < tables.Length; n++)
        {
            var table = tables[n];
            var (names, values) = Values(tables, n);
            var filter =
                ParentOf(tables, n) is { } needed && IsDerived(tables, n) && !table.Nullable
                    ? $" WHERE EXISTS (SELECT FROM t{needed} p WHERE p.n % 2 = g % 2{OfTheSame(tables, needed)})"
                    : "";
            sql.AppendLine(
                $"INSERT INTO t{n} ({string.Join(", ", names)}) SELECT {string.Join(", ", values)} "
                    + $"FROM generate_series(1, {table.Rows}) g{filter};"
            );
            if (table is { SelfReference: true, Key: "uuid" or "bigint" or "text" } && !IsDerived(tables, n))
                sql.AppendLine(
                    $"""
                    UPDATE t{n} t SET elder = (SELECT e.id FROM t{n} e WHERE e.tenant_id = t.tenant_id AND e.n > t.n
                        ORDER BY e.n LIMIT 1);
                    """
                );
        }
        return sql.ToString();
    }

    static (List<string> Names, List<string> Values) Values(RandomTable[] tables, int n)
    {
        var table = tables[n];
        List<string> names = ["body", "amount", "n"],
            values =

            [
                "CASE WHEN random() < 0.2 THEN NULL ELSE repeat(md5(random()::text), 1 + (random() * 80)::int) END",
                "random()::numeric(12, 4)",
                "g",
            ];
        if (!IsDerived(tables, n))
        {
            names.Add("tenant_id");
            values.Add(table.Nullable ? "CASE WHEN g % 7 = 0 THEN NULL ELSE 1 + g % 2 END" : "1 + g % 2");
        }
        if (table.Key == "composite")
        {
            names.AddRange(["a", "b"]);
            values.AddRange(["g / 3", "g::text"]);
        }
        else if (table.Key == "none")
        {
            names.Add("word");
            values.Add("'w' || g % 5");
        }
        else
        {
            names.Add("id");
            values.Add(Id(table.Key, n, "g"));
        }
        if (ParentOf(tables, n) is { } parent)
        {
            // Not a row of nobody: whose child would this be?
            names.Add("parent");
            values.Add(
                (table.Nullable && !IsDerived(tables, n) ? "CASE WHEN g % 7 <> 0 THEN " : "CASE WHEN true THEN ")
                    + $"(SELECT p.id FROM t{parent} p WHERE p.n % 2 = g % 2{OfTheSame(tables, parent)} "
                    + "ORDER BY p.n = g DESC, p.n LIMIT 1) END"
            );
        }
        return (names, values);
    }

    // A parent that belongs by its own parent is the same tenant's by its parity.
    static string OfTheSame(RandomTable[] tables, int parent) =>
        IsDerived(tables, parent) ? "" : " AND p.tenant_id = 1 + g % 2";

    public static string Changes(RandomTable[] tables, int seed)
    {
        var sql = new StringBuilder();
        for (var n = 0; n < tables.Length; n++)
        {
            sql.AppendLine($"UPDATE t{n} SET body = 'changed ' || n, amount = -1 WHERE n % 5 = {seed % 5};");
            sql.AppendLine($"DELETE FROM t{n} WHERE n % 11 = {seed % 11};");
            var table = tables[n];
            if (IsDerived(tables, n) || table.Key == "composite")
                continue;
            var (name, value) = HasKey(table) ? ("id", Id(table.Key, n, "(g + 100000)")) : ("word", "'new'");
            sql.AppendLine(
                $"""
                INSERT INTO t{n} ({name}, n, body, tenant_id) SELECT {value}, g, 'new', 1
                    FROM generate_series(1, {seed % 9}) g;
                """
            );
        }
        return sql.ToString();
    }

    static string Id(string type, int table, string number) =>
        type switch
        {
            "uuid" => $"md5('{table} ' || {number})::uuid",
            "text" => $"'k''{table}\\' || {number}",
            _ => number,
        };

    public static IReadOnlyList<TableRows> Compared(RandomTable[] tables, string tenant)
    {
        string Where(int n, string alias) =>
            IsDerived(tables, n)
                ? $"(SELECT {Owner(ParentOf(tables, n)!.Value, $"{alias}.parent")}) {tenant}"
                : $"{alias}.tenant_id {tenant}";
        string Owner(int n, string key) =>
            IsDerived(tables, n)
                ? $"(SELECT {Owner(ParentOf(tables, n)!.Value, $"o{n}.parent")} "
                    + $"FROM public.t{n} o{n} WHERE o{n}.id = {key})"
                : $"(SELECT o{n}.tenant_id FROM public.t{n} o{n} WHERE o{n}.id = {key})";
        return
        [
            new("public.tenants", $"id {tenant}"),
            .. tables.Select((_, n) => new TableRows($"public.t{n}", Where(n, "t"))),
        ];
    }
}
