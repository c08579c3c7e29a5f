using Migrator.Model;
using Migrator.Scope;
using Migrator.Verification;

namespace Migrator.Copying;

/// <summary>
/// The isolated side's rows of the buckets that differ, in a temporary table of the shared database, and the
/// statements that use it.
/// </summary>
/// <param name="SetsIdentities">
/// Some row has another value of an identity that is always generated: its updates need that lifted.
/// </param>
/// <param name="ParkableColumns">Columns whose unique values may be replaced by placeholders for a while.</param>
/// <param name="Surplus">
/// A temporary table with the keys of shared rows that the isolated side lacks, where a write to another table may take from
/// such a row what makes it the tenant's, before the row is deleted. Null where a row goes on telling whose it is.
/// </param>
/// <param name="MayBeOurs">The condition that a row, seen as <c>t</c>, is not another tenant's.</param>
sealed record ReconcilerStage(
    ScopedTable Table,
    string Name,
    string Condition,
    IReadOnlyList<IReadOnlyList<int>> Batches,
    bool SetsIdentities,
    IReadOnlyList<Column> ParkableColumns,
    string? Surplus,
    string MayBeOurs
)
{
    TableDefinition Definition => Table.Table;

    bool HasKey => Definition.Key.Count > 0;

    string Columns => RawCopy.Columns(Definition);

    string SameKey =>
        string.Join(
            " AND ",
            Definition
                .Key.Select(name => Definition.Column(name)!)
                .Select(column => $"s.{Sql.Identifier(column.Name)} {column.Equality} t.{Sql.Identifier(column.Name)}")
        );

    string Changed => $"{RowHash.Of(Definition, "s")} <> {RowHash.Of(Definition, "t")}";

    /// <summary>
    /// A query: is there a row whose identity, always generated and no part of the key, is not the shared one? Null where the
    /// table has none.
    /// </summary>
    public string? HasOtherIdentities
    {
        get
        {
            var columns = Definition
                .Columns.Where(column => column.AlwaysIdentity && !Definition.Key.Contains(column.Name))
                .Select(column => Sql.Identifier(column.Name))
                .ToArray();
            if (!HasKey || columns.Length == 0)
                return null;
            var differ = columns.Select(column => $"s.{column} <> t.{column}");
            return $"""
                SELECT EXISTS (SELECT FROM {Name} s, {Definition.From} t
                               WHERE {SameKey} AND {Condition} AND ({string.Join(" OR ", differ)}))
                """;
        }
    }

    // Equal rows without a key are as good as each other: of each there are too many, or too few.
    static string MoreOf(string here, string there) =>
        $"""
            SELECT part, place
            FROM (SELECT part, place, hash, row_number() OVER (PARTITION BY hash) AS number FROM ({here}) h) here
            LEFT JOIN (SELECT hash, count(*) FROM ({there}) t GROUP BY hash) there USING (hash)
            WHERE number > coalesce(there.count, 0)
            """;

    string Staged => $"SELECT s.tableoid AS part, s.ctid AS place, {RowHash.Of(Definition, "s")} AS hash FROM {Name} s";

    string Standing =>
        $"""
            SELECT t.tableoid AS part, t.ctid AS place, {RowHash.Of(Definition, "t")} AS hash
            FROM {Definition.From} t WHERE {Condition}
            """;

    public IEnumerable<string> Insertions(IReadOnlyList<int> batch) =>
        [
            HasKey
                ? $"""
                    INSERT INTO {Definition.Name.Quoted} ({Columns}) OVERRIDING SYSTEM VALUE
                    SELECT {Columns} FROM {Name} s WHERE {Comparison.InBuckets(Definition, "s", batch)}
                    AND NOT EXISTS (SELECT FROM {Definition.From} t WHERE {SameKey} AND {Condition})
                    """
                : $"""
                    INSERT INTO {Definition.Name.Quoted} ({Columns}) OVERRIDING SYSTEM VALUE
                    SELECT {Columns} FROM {Name} WHERE ctid IN (SELECT place FROM ({MoreOf(Staged, Standing)}) missing)
                    """,
        ];

    public IEnumerable<string> Updates(IReadOnlyList<int> batch) =>
        Update(
            batch,
            Definition
                .StoredColumns.Where(column =>
                    (SetsIdentities || !column.AlwaysIdentity) && !Definition.Key.Contains(column.Name)
                )
                .Select(column => (column, "s." + Sql.Identifier(column.Name)))
        );

    public IEnumerable<string> ParkUniqueValues(IReadOnlyList<int> batch) =>
        Update(batch, ParkableColumns.Select(column => (column, PlaceholderFor(column))));

    /// <summary>Notes the rows to delete, before anything is written.</summary>
    public string NoteSurplus =>
        $"""
            CREATE TEMPORARY TABLE {Surplus} AS
            SELECT {Sql.Identifiers("t", Definition.Key)} FROM {Definition.From} t
            WHERE {Condition} AND {Comparison.InBuckets(Definition, "t", [.. Batches.SelectMany(batch => batch)])}
              AND NOT EXISTS (SELECT FROM {Name} s WHERE {SameKey})
            """;

    public IEnumerable<string> Deletions(IReadOnlyList<int> batch) =>
        [
            Surplus is not null
                ? $"""
                    DELETE FROM {Definition.From} t USING {Surplus} s
                    WHERE {SameKey} AND {MayBeOurs} AND {Comparison.InBuckets(Definition, "t", batch)}
                    """
            : HasKey
                ? $"""
                    DELETE FROM {Definition.From} t
                    WHERE {Condition} AND {Comparison.InBuckets(Definition, "t", batch)}
                      AND NOT EXISTS (SELECT FROM {Name} s WHERE {SameKey})
                    """
            : $"""
                DELETE FROM {Definition.From} t USING ({MoreOf(Standing, Staged)}) surplus
                WHERE t.ctid = surplus.place AND t.tableoid = surplus.part
                """,
        ];

    IEnumerable<string> Update(IReadOnlyList<int> batch, IEnumerable<(Column Column, string Value)> assignments)
    {
        var list = string.Join(", ", assignments.Select(one => $"{Sql.Identifier(one.Column.Name)} = {one.Value}"));
        return !HasKey || list.Length == 0
            ? []
            :
            [
                $"""
                    UPDATE {Definition.From} t SET {list} FROM {Name} s
                    WHERE {SameKey} AND {Condition} AND {Comparison.InBuckets(Definition, "s", batch)} AND {Changed}
                    """,
            ];
    }

    // A value that no row has, where the type allows one.
    static string PlaceholderFor(Column column) =>
        column switch
        {
            { NotNull: false } => "NULL",
            { TypeText: "uuid" } => "gen_random_uuid()",
            { TypeText: "smallint" } => "(-1 - random() * 32000)::int::smallint",
            { TypeText: "integer" or "bigint" } => $"(-1 - random() * 2000000000)::bigint::{column.TypeText}",
            { TypeText: "text" } => "md5(random()::text)",
            _ => "t." + Sql.Identifier(column.Name),
        };
}
