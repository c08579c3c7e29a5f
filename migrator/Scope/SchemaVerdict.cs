using Migrator.Connections;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Scope;

/// <summary>What changes of the shared schema mean for the tenant's copy.</summary>
/// <param name="Ignored">Nothing of the tenant's depends on them.</param>
/// <param name="Rewritten">
/// The rows of a table were written anew, by VACUUM FULL or by a conversion: the stream does not tell of that, and a
/// comparison does.
/// </param>
/// <param name="Followed">They are made in the isolated database too.</param>
/// <param name="Rebuilt">Their tables are copied again, their views are made again.</param>
/// <param name="Stopping">The copy is not of this schema any more.</param>
public sealed record SchemaVerdict(
    IReadOnlyList<SchemaChange> Ignored,
    IReadOnlyList<SchemaChange> Rewritten,
    IReadOnlyList<SchemaChange> Followed,
    IReadOnlyList<SchemaChange> Rebuilt,
    IReadOnlyList<SchemaChange> Stopping
)
{
    /// <summary>The tables to copy again, and the views to make again.</summary>
    public IReadOnlyCollection<TableName> RebuiltRelations =>
        [.. Rebuilt.Select(change => change.Table!.Value).Distinct()];

    /// <summary>The copy can go on. Only a cutover has to wait, for a comparison of what was rewritten.</summary>
    public bool IsHarmless => Followed.Count == 0 && Rebuilt.Count == 0 && Stopping.Count == 0;

    public override string ToString() =>
        string.Join(
            "; ",
            Stopping.Concat(Rebuilt).Concat(Followed).Concat(Rewritten).Select(change => $"{change}").Take(5)
        );

    public static async Task<SchemaVerdict> OfAsync(
        NpgsqlConnection shared,
        Tenancy tenancy,
        IReadOnlyList<SchemaChange> changes,
        CancellationToken cancellationToken
    )
    {
        if (changes.Count == 0)
            return new([], [], [], [], []);
        var scope = await TenantScope.ReadAsync(shared, tenancy, cancellationToken);
        var judge = new Judge(
            scope,
            changes,
            await SchemasAsync(shared, scope, cancellationToken),
            await OptionalColumnsAsync(shared, cancellationToken),
            await ViewsAsync(shared, cancellationToken),
            await ReplaceableFunctions.OfAsync(shared, tenancy, cancellationToken)
        );
        var kinds = changes.ToLookup(judge.Of);
        return new(
            [.. kinds[Verdict.Ignored]],
            [.. kinds[Verdict.Rewritten]],
            [.. kinds[Verdict.Followed]],
            [.. kinds[Verdict.Rebuilt]],
            [.. kinds[Verdict.Stopping]]
        );
    }

    // The schemas of the tenant's tables, and of the types and functions that those tables are made of.
    static async Task<HashSet<string>> SchemasAsync(
        NpgsqlConnection shared,
        TenantScope scope,
        CancellationToken cancellationToken
    )
    {
        var tables = scope.CopiedTables.Select(table => table.Table);
        var used = await shared.QueryAsync<string>(
            """
            SELECT DISTINCT coalesce(p.pronamespace, t.typnamespace)::regnamespace::text
            FROM pg_depend d
            LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
            LEFT JOIN pg_type t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
            LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
            LEFT JOIN pg_constraint c ON d.classid = 'pg_constraint'::regclass AND c.oid = d.objid
            LEFT JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
            LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
            WHERE coalesce(p.oid, t.oid) >= 16384
              AND (f.adrelid = ANY (CAST(@tables AS oid[])) OR c.conrelid = ANY (CAST(@tables AS oid[]))
                   OR g.tgrelid = ANY (CAST(@tables AS oid[])) OR i.indrelid = ANY (CAST(@tables AS oid[]))
                   OR (d.classid = 'pg_class'::regclass AND d.objid = ANY (CAST(@tables AS oid[]))))
            """,
            new { tables = tables.Select(table => (long)table.Oid).ToArray() },
            cancellationToken
        );
        return [.. scope.CopiedTables.Select(table => table.Name.Schema), .. used];
    }

    // A row without a value for them is a row with nulls.
    static async Task<HashSet<string>> OptionalColumnsAsync(
        NpgsqlConnection shared,
        CancellationToken cancellationToken
    ) =>
        [
            .. await shared.QueryAsync<string>(
                """
                SELECT n.nspname || '.' || c.relname || '.' || a.attname
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_type t ON t.oid = a.atttypid
                WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
                  AND NOT a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attacl IS NULL
                  AND NOT t.typnotnull AND t.typdefault IS NULL
                """,
                cancellationToken
            ),
        ];

    static async Task<HashSet<TableName>> ViewsAsync(NpgsqlConnection shared, CancellationToken cancellationToken) =>
        [
            .. (
                await shared.QueryAsync<(string Schema, string Name)>(
                    """
                    SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relkind IN ('v', 'm') AND c.oid >= 16384
                    """,
                    cancellationToken
                )
            ).Select(view => new TableName(view.Schema, view.Name)),
        ];

    enum Verdict
    {
        Ignored,
        Rewritten,
        Followed,
        Rebuilt,
        Stopping,
    }

    sealed class Judge(
        TenantScope scope,
        IReadOnlyList<SchemaChange> changes,
        HashSet<string> schemas,
        HashSet<string> optional,
        HashSet<TableName> views,
        HashSet<string> replaceable
    )
    {
        readonly HashSet<TableName> created = Tables(changes, change => change.IsNew);
        readonly HashSet<TableName> dropped = Tables(changes, change => change.After is null);
        readonly string[] partitions =
        [
            .. changes
                .Where(change => change is { IsRelation: true, IsWhole: false, IsNew: true })
                .Select(change => change.Name),
        ];

        // Dropped views. A table's end would be told by its identity too.
        readonly HashSet<TableName> goneViews =
        [
            .. Tables(changes, change => change.After is null)
                .Except(changes.Where(change => change.Kind == "identity").Select(change => change.Table!.Value)),
        ];

        public Verdict Of(SchemaChange change)
        {
            if (
                change
                is { Kind: "storage" or "identity", Before: null }
                    or { Kind: "storage" or "identity", After: null }
            )
                return Verdict.Ignored;
            if (change.Table is not { } name)
                return OfObject(change);
            if (scope.Tables.FirstOrDefault(table => table.Name == name) is not { } table)
                return OfOther(change, name);
            if (!table.IsCopied)
                return Verdict.Ignored;
            // A table of the tenant's that the copy does not know, or that was another one.
            return created.Contains(name) || dropped.Contains(name) ? Verdict.Stopping : OfCopied(table, change);
        }

        Verdict OfCopied(ScopedTable table, SchemaChange change)
        {
            if (partitions.Any(part => IsOf(change, part)))
                return IsMoved(change) ? Verdict.Stopping : Verdict.Followed;
            return change.Kind switch
            {
                "storage" => Verdict.Rewritten,
                "identity" => Verdict.Stopping,
                "column" when change.IsNew && optional.Contains(change.Name) => Verdict.Followed,
                "index" or "statistics" when change.IsNew => Verdict.Followed,
                "index" or "statistics" when change.After is null => Verdict.Ignored,
                _ => table.IsStreamed ? Verdict.Rebuilt : Verdict.Stopping,
            };
        }

        // A table without a rule, or a view.
        Verdict OfOther(SchemaChange change, TableName name)
        {
            if (!schemas.Contains(name.Schema))
                return Verdict.Ignored;
            if (scope.Unclassified.Any(table => table.Name == name))
                return Verdict.Ignored;
            if (created.Contains(name))
                return Verdict.Followed;
            return views.Contains(name) || goneViews.Contains(name) ? Verdict.Rebuilt : Verdict.Stopping;
        }

        Verdict OfObject(SchemaChange change) =>
            change switch
            {
                { Kind: "schema", IsNew: true } => Verdict.Ignored,
                { Kind: "enum", NewLabels: not null } => Verdict.Followed,
                { Schema: not "" } when !schemas.Contains(change.Schema) => Verdict.Ignored,
                { Kind: "function" or "type" or "enum" or "domain", IsNew: true } => Verdict.Followed,
                { Kind: "function", After: not null } when replaceable.Contains(change.Name) => Verdict.Followed,
                _ => Verdict.Stopping,
            };

        // The partition was a table of its own, whose rows the stream has not told of.
        bool IsMoved(SchemaChange change) =>
            changes.Any(other => other is { IsWhole: true, After: null } && IsOf(change, other.Name));

        static bool IsOf(SchemaChange change, string relation) =>
            change.Name == relation || change.Name.StartsWith(relation + ".", StringComparison.Ordinal);

        static HashSet<TableName> Tables(IEnumerable<SchemaChange> changes, Func<SchemaChange, bool> which) =>
            [.. changes.Where(change => change.IsWhole && which(change)).Select(change => change.Table!.Value)];
    }
}
