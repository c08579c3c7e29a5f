using System.Text.RegularExpressions;
using Migrator.Connections;
using Migrator.Guarding;
using Npgsql;

namespace Migrator.Schema;

/// <summary>The parts of a schema, in the order in which they are restored.</summary>
public enum SchemaPart
{
    /// <summary>
    /// Schemas and who may use them: later parts give tables to owners that must be allowed to create in them.
    /// </summary>
    Schemas,

    /// <summary>Extensions, types, tables, sequences, functions, views, grants.</summary>
    PreData,

    /// <summary>Primary keys and replica identities: by them the change stream finds its rows.</summary>
    PrimaryKeys,

    /// <summary>Indexes, unique, check and foreign keys, statistics.</summary>
    PostData,

    /// <summary>Triggers, policies, row security: what must not run while rows are loaded.</summary>
    TriggersAndPolicies,

    /// <summary>Rules, which rewrite statements and cannot be kept out of one that upserts.</summary>
    Rules,
}

/// <summary>One line of an archive's table of contents.</summary>
/// <param name="ClassId">Object id of the catalog that describes the object, 0 when it has none.</param>
/// <param name="Postponed">
/// The entry comes after the first index or constraint: pg_dump found that it needs one, as a view does that groups by
/// a primary key.
/// </param>
public sealed record ArchiveEntry(string Line, uint ClassId, uint ObjectId, string Kind, string Tag, bool Postponed);

/// <summary>
/// The shared database's schema as pg_dump sees it, restored part by part with <c>pg_restore --use-list</c>. pg_dump
/// writes every statement.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/app-pgrestore.html</remarks>
public sealed partial class SchemaArchive : IDisposable
{
    // Longest first: "TABLE ATTACH" is not a TABLE.
    static readonly string[] Kinds =
    [
        "PUBLICATION TABLES IN SCHEMA",
        "TEXT SEARCH CONFIGURATION",
        "TEXT SEARCH DICTIONARY",
        "TEXT SEARCH TEMPLATE",
        "FOREIGN DATA WRAPPER",
        "PROCEDURAL LANGUAGE",
        "TEXT SEARCH PARSER",
        "DATABASE PROPERTIES",
        "MATERIALIZED VIEW",
        "SUBSCRIPTION TABLE",
        "SEQUENCE OWNED BY",
        "PUBLICATION TABLE",
        "CHECK CONSTRAINT",
        "OPERATOR FAMILY",
        "OPERATOR CLASS",
        "SECURITY LABEL",
        "ACCESS METHOD",
        "FOREIGN TABLE",
        "EVENT TRIGGER",
        "FK CONSTRAINT",
        "USER MAPPING",
        "INDEX ATTACH",
        "TABLE ATTACH",
        "ROW SECURITY",
        "DEFAULT ACL",
        "SHELL TYPE",
        "STATISTICS",
        "CONSTRAINT",
        "PUBLICATION",
        "SUBSCRIPTION",
        "CONVERSION",
        "AGGREGATE",
        "PROCEDURE",
        "TRANSFORM",
        "COLLATION",
        "EXTENSION",
        "FUNCTION",
        "OPERATOR",
        "SEQUENCE",
        "DATABASE",
        "TRIGGER",
        "COMMENT",
        "DEFAULT",
        "DOMAIN",
        "SCHEMA",
        "POLICY",
        "SERVER",
        "INDEX",
        "TABLE",
        "VIEW",
        "RULE",
        "CAST",
        "TYPE",
        "ACL",
    ];

    // Objects of the server rather than of the tenant, objects that reach out of the database, and objects that only a
    // superuser may create.
    static readonly HashSet<string> LeftOut =
    [
        "EVENT TRIGGER",
        "PUBLICATION",
        "PUBLICATION TABLE",
        "PUBLICATION TABLES IN SCHEMA",
        "SUBSCRIPTION",
        "SUBSCRIPTION TABLE",
        "DATABASE",
        "DATABASE PROPERTIES",
        "FOREIGN DATA WRAPPER",
        "SERVER",
        "USER MAPPING",
        "FOREIGN TABLE",
        "SECURITY LABEL",
        "PROCEDURAL LANGUAGE",
        "ACCESS METHOD",
        "TRANSFORM",
    ];

    static readonly string[] LeftOutTargets =
    [
        "EXTENSION ",
        "DATABASE ",
        "EVENT TRIGGER ",
        "PUBLICATION ",
        "SUBSCRIPTION ",
        "LANGUAGE ",
        "SERVER ",
        "FOREIGN ",
        "LARGE OBJECT",
    ];

    const string FileName = "schema.dump";

    readonly PgTools tools;
    readonly string folder;
    readonly IReadOnlyList<ArchiveEntry> entries;
    readonly HashSet<uint> keys;
    readonly HashSet<string> keyIndexes;
    readonly Dictionary<(uint, uint), string> identities;

    SchemaArchive(
        PgTools tools,
        string folder,
        IReadOnlyList<ArchiveEntry> entries,
        HashSet<uint> keys,
        HashSet<string> keyIndexes,
        Dictionary<(uint, uint), string> identities
    )
    {
        this.tools = tools;
        this.folder = folder;
        this.entries = entries;
        this.keys = keys;
        this.keyIndexes = keyIndexes;
        this.identities = identities;
    }

    string ArchiveFile => Path.Combine(folder, FileName);

    public static async Task<SchemaArchive> DumpAsync(
        PgTools tools,
        Databases databases,
        CancellationToken cancellationToken
    )
    {
        var folder = Directory.CreateTempSubdirectory("migrator-").FullName;
        try
        {
            var list = await ListAsync(tools, databases, Path.Combine(folder, FileName), cancellationToken);
            await using var connection = await databases.Shared.OpenConnectionAsync(cancellationToken);
            var entries = await EntriesAsync(connection, list, cancellationToken);
            var keys = await KeysAsync(connection, cancellationToken);
            var identities = await IdentitiesAsync(connection, entries, cancellationToken);
            return new(
                tools,
                folder,
                entries,
                [.. keys.Select(key => key.Oid)],
                [.. keys.Select(key => Listed($"{key.Schema} {key.Name} "))],
                identities
            );
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    // Dumps the schema into a file; the result is the archive's table of contents.
    static async Task<string> ListAsync(
        PgTools tools,
        Databases databases,
        string file,
        CancellationToken cancellationToken
    )
    {
        await tools.RunAsync(
            "pg_dump",
            databases.SharedServer,
            [
                "--format=custom",
                "--schema-only",
                "--compress=0",
                "--no-password",
                "--lock-wait-timeout=10s",
                "--exclude-schema=tenant_promotion",
                "--no-publications",
                "--no-subscriptions",
                "--no-tablespaces",
                "--no-security-labels",
                "--file",
                file,
            ],
            null,
            cancellationToken
        );
        return await tools.RunAsync("pg_restore", null, ["--list", file], null, cancellationToken);
    }

    static async Task<IReadOnlyList<ArchiveEntry>> EntriesAsync(
        NpgsqlConnection connection,
        string list,
        CancellationToken cancellationToken
    )
    {
        var schemas = await connection.QueryAsync<string>("SELECT nspname::text FROM pg_namespace", cancellationToken);
        var entries = Parse(list.Split('\n'), [.. schemas.Select(Listed).Append("-")]).Where(IsKept);
        // Up to PostgreSQL 14 the superuser owns schema public, and only a superuser could give it the same owner in
        // the isolated database. There the database's owner keeps the schema.
        var ownsPublic = await connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public' AND pg_has_role(nspowner, 'MEMBER'))
            """,
            cancellationToken
        );
        return [.. entries.Where(entry => ownsPublic || !IsSchemaPublic(entry))];
    }

    static bool IsSchemaPublic(ArchiveEntry entry) =>
        entry.Kind == "SCHEMA" && entry.Line.Contains(" SCHEMA - public ", StringComparison.Ordinal);

    // Primary keys and replica identities.
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
            LEFT JOIN pg_constraint con ON con.conindid = c.oid AND con.contype IN ('p', 'u')
            WHERE i.indisprimary OR i.indisreplident
            """,
            cancellationToken
        );

    // What the entries describe, by names that mean the same in the isolated database.
    static async Task<Dictionary<(uint, uint), string>> IdentitiesAsync(
        NpgsqlConnection connection,
        IReadOnlyList<ArchiveEntry> entries,
        CancellationToken cancellationToken
    )
    {
        var described = entries.Where(IsDescribed).ToArray();
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

    /// <summary>
    /// Restores parts together, leaving out what the isolated database has already: an interrupted part can be
    /// repeated.
    /// </summary>
    /// <param name="jobs">Sessions that pg_restore works with side by side.</param>
    public async Task RestoreAsync(
        IReadOnlyList<SchemaPart> parts,
        Databases databases,
        int jobs,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var there = parts.Any(part => part >= SchemaPart.PrimaryKeys)
            ? await IdentitiesAsync(connection, cancellationToken)
            : [];
        var missing = entries
            .Where(entry => parts.Contains(PartOf(entry)))
            .Where(entry =>
                entry.Kind is "ROW SECURITY" or "COMMENT"
                || IsViewBody(entry)
                || !identities.TryGetValue((entry.ClassId, entry.ObjectId), out var identity)
                || !there.Contains(identity)
            )
            .ToArray();
        if (missing.Length == 0)
            return;
        var list = Path.Combine(folder, $"{parts[0]}.list");
        await File.WriteAllLinesAsync(list, missing.Select(entry => entry.Line), cancellationToken);
        // No parallel workers within an index build: they would only contend with the other jobs.
        await tools.RunAsync(
            "pg_restore",
            databases.IsolatedServer,
            [
                "--no-password",
                "--no-tablespaces",
                "--use-list",
                list,
                "--jobs",
                jobs.ToString(),
                "--dbname",
                databases.IsolatedServer.Database!,
                ArchiveFile,
            ],
            $"-c maintenance_work_mem={512 / Math.Max(jobs, 1)}MB -c max_parallel_maintenance_workers=0 "
                + "-c client_connection_check_interval=1000",
            cancellationToken
        );
    }

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    SchemaPart PartOf(ArchiveEntry entry) =>
        entry.Kind switch
        {
            "SCHEMA" => SchemaPart.Schemas,
            "ACL" or "COMMENT" when entry.Tag.StartsWith("SCHEMA ", StringComparison.Ordinal) => SchemaPart.Schemas,
            "CONSTRAINT" or "INDEX" when keys.Contains(entry.ObjectId) => SchemaPart.PrimaryKeys,
            "INDEX ATTACH"
                when keyIndexes.Any(key => entry.Line.Contains(" INDEX ATTACH " + key, StringComparison.Ordinal)) =>
                SchemaPart.PrimaryKeys,
            "INDEX" or "INDEX ATTACH" or "CONSTRAINT" or "CHECK CONSTRAINT" or "FK CONSTRAINT" or "STATISTICS" =>
                SchemaPart.PostData,
            "RULE" when IsViewBody(entry) => SchemaPart.PostData,
            "TRIGGER" or "POLICY" or "ROW SECURITY" => SchemaPart.TriggersAndPolicies,
            "RULE" => SchemaPart.Rules,
            // Default privileges come last: otherwise they would add grants to objects that are restored after them.
            "DEFAULT ACL" => SchemaPart.TriggersAndPolicies,
            "COMMENT" when StartsWithAny(entry.Tag, "INDEX ", "CONSTRAINT ", "STATISTICS ") => SchemaPart.PostData,
            "COMMENT" when StartsWithAny(entry.Tag, "TRIGGER ", "POLICY ") => SchemaPart.TriggersAndPolicies,
            "COMMENT" when StartsWithAny(entry.Tag, "RULE ") => SchemaPart.Rules,
            _ => entry.Postponed ? SchemaPart.PostData : SchemaPart.PreData,
        };

    // A view that needs a constraint was created empty; this replaces it by what it is.
    static bool IsViewBody(ArchiveEntry entry) =>
        entry.Kind == "RULE" && entry.Tag.Contains(" _RETURN ", StringComparison.Ordinal);

    static bool IsKept(ArchiveEntry entry) =>
        !LeftOut.Contains(entry.Kind)
        && !(entry.Kind is "COMMENT" or "ACL" && StartsWithAny(entry.Tag, LeftOutTargets))
        && !(
            entry.Kind is "TRIGGER" or "COMMENT"
            && entry.Line.Contains(" " + WriteGuard.TriggerPrefix, StringComparison.Ordinal)
        );

    /// <summary>A name as the list has it: on one line.</summary>
    static string Listed(string name) => name.Replace('\n', ' ').Replace('\r', ' ');

    static bool IsDescribed(ArchiveEntry entry) =>
        entry.ClassId != 0 && entry.Kind is not ("ACL" or "COMMENT" or "ROW SECURITY" or "DEFAULT ACL");

    static bool StartsWithAny(string text, params string[] starts) =>
        starts.Any(start => text.StartsWith(start, StringComparison.Ordinal));

    // "3456; 2606 16402 FK CONSTRAINT public orders orders_user_fkey owner": the dump's id, then catalog, object, kind,
    // schema (or -), tag and owner.
    static IEnumerable<ArchiveEntry> Parse(IEnumerable<string> lines, IReadOnlyList<string> schemas)
    {
        var postData = false;
        foreach (var line in lines)
        {
            if (EntryLine().Match(line) is not { Success: true } match)
                continue;
            var rest = match.Groups[3].Value;
            var kind =
                Array.Find(Kinds, kind => rest.StartsWith(kind + " ", StringComparison.Ordinal)) ?? rest.Split(' ')[0];
            var afterKind = rest[Math.Min(rest.Length, kind.Length + 1)..];
            // A schema's name may hold spaces.
            var schema =
                schemas
                    .Where(name => afterKind.StartsWith(name + " ", StringComparison.Ordinal))
                    .MaxBy(name => name.Length)
                ?? afterKind.Split(' ')[0];
            postData |=
                kind
                    is "INDEX"
                        or "CONSTRAINT"
                        or "CHECK CONSTRAINT"
                        or "FK CONSTRAINT"
                        or "TRIGGER"
                        or "RULE"
                        or "POLICY"
                        or "ROW SECURITY"
                        or "STATISTICS";
            yield return new(
                line,
                uint.Parse(match.Groups[1].Value),
                uint.Parse(match.Groups[2].Value),
                kind,
                afterKind[Math.Min(afterKind.Length, schema.Length + 1)..],
                postData
            );
        }
    }

    static async Task<HashSet<string>> IdentitiesAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        [
            .. await connection.QueryAsync<string>(
                """
                SELECT i.type || ' ' || i.identity
                FROM (SELECT 'pg_constraint'::regclass AS class, oid AS object FROM pg_constraint
                      WHERE connamespace >= 16384 OR connamespace = to_regnamespace('public')
                      UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class
                      WHERE relkind IN ('i', 'I', 'm') AND oid >= 16384
                      UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE oid >= 16384
                      UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE NOT tgisinternal
                      UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy
                      UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite WHERE oid >= 16384
                      UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext) o,
                     pg_identify_object(o.class, o.object, 0) i
                """,
                cancellationToken
            ),
        ];

    [GeneratedRegex(@"^\d+; (\d+) (\d+) (.+)$")]
    private static partial Regex EntryLine();
}
