using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Schema;

/// <summary>
/// The shared database's schema as pg_dump sees it, restored part by part with <c>pg_restore --use-list</c>. pg_dump
/// writes every statement.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/app-pgrestore.html</remarks>
public sealed class SchemaArchive : IDisposable
{
    const string FileName = "schema.dump";

    /// <summary>What of the shared database is dumped.</summary>
    public static readonly IReadOnlyList<string> DumpedParts =
    [
        "--no-password",
        "--lock-wait-timeout=10s",
        "--exclude-schema=tenant_promotion",
        "--no-publications",
        "--no-subscriptions",
        "--no-tablespaces",
        "--no-security-labels",
    ];

    readonly PgTools tools;
    readonly string folder;
    readonly IReadOnlyList<ArchiveEntry> entries;
    readonly SchemaParts parts;
    readonly Dictionary<(uint, uint), string> identities;

    SchemaArchive(
        PgTools tools,
        string folder,
        IReadOnlyList<ArchiveEntry> entries,
        SchemaParts parts,
        Dictionary<(uint, uint), string> identities
    )
    {
        this.tools = tools;
        this.folder = folder;
        this.entries = entries;
        this.parts = parts;
        this.identities = identities;
    }

    string ArchiveFile => Path.Combine(folder, FileName);

    public static async Task<SchemaArchive> DumpAsync(
        PgTools tools,
        Databases databases,
        CancellationToken cancellationToken
    )
    {
        var folder = ArchiveFolder.Create();
        try
        {
            var list = await ListAsync(tools, databases, Path.Combine(folder, FileName), cancellationToken);
            await using var connection = await databases.Shared.OpenConnectionAsync(cancellationToken);
            var entries = await EntriesAsync(connection, list, cancellationToken);
            var parts = await SchemaParts.ReadAsync(connection, cancellationToken);
            var identities = await ObjectIdentities.OfAsync(connection, entries, cancellationToken);
            return new(tools, folder, entries, parts, identities);
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
            ["--format=custom", "--schema-only", "--compress=0", .. DumpedParts, "--file", file],
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
        var entries = TableOfContents
            .Parse(list.Split('\n'), [.. schemas.Select(TableOfContents.Listed).Append("-")])
            .Where(entry => entry.IsKept);
        // Up to PostgreSQL 14 the superuser owns schema public, and only a superuser could give it the same owner in
        // the isolated database. There the database's owner keeps the schema.
        var ownsPublic = await connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public' AND pg_has_role(nspowner, 'MEMBER'))
            """,
            cancellationToken
        );
        return [.. entries.Where(entry => ownsPublic || !entry.IsSchemaPublic)];
    }

    /// <summary>
    /// Restores parts together, leaving out what the isolated database has already: an interrupted part can be
    /// repeated.
    /// </summary>
    /// <param name="jobs">Sessions that pg_restore works with side by side.</param>
    public async Task RestoreAsync(
        IReadOnlyList<SchemaPart> wanted,
        Databases databases,
        int jobs,
        CancellationToken cancellationToken
    )
    {
        var missing = await MissingAsync(wanted, databases, cancellationToken);
        if (missing.Length == 0)
            return;
        try
        {
            await RestoreAsync(missing, databases, jobs, cancellationToken);
        }
        // Sessions that make keys of partitioned tables side by side may lock each other out (40P01).
        catch (MigratorException e) when (jobs > 1 && e.Code != ExitCode.Refused)
        {
            await RestoreAsync(wanted, databases, 1, cancellationToken);
        }
    }

    /// <summary>
    /// Restores tables, partitions, views, sequences, functions and types that the isolated database has not.
    /// </summary>
    public async Task RestoreNewAsync(Databases databases, CancellationToken cancellationToken)
    {
        await using var connection = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var there = await ObjectIdentities.OfRelationsAsync(connection, cancellationToken);
        bool IsNew(ArchiveEntry entry) =>
            identities.TryGetValue((entry.ClassId, entry.ObjectId), out var identity) && !there.Contains(identity);
        var added = entries.Where(entry => entry.IsDefinition && IsNew(entry)).ToArray();
        var belonging = entries.Where(entry =>
            (
                entry.Kind is "TABLE ATTACH" or "DEFAULT" or "SEQUENCE OWNED BY" or "ACL"
                || (entry.Kind == "COMMENT" && parts.Of(entry) == SchemaPart.PreData)
            ) && added.Any(entry.IsOf)
        );
        if (added.Length > 0)
            await RestoreAsync([.. added, .. belonging], databases, 1, cancellationToken);
    }

    async Task RestoreAsync(
        IReadOnlyList<ArchiveEntry> some,
        Databases databases,
        int jobs,
        CancellationToken cancellationToken
    )
    {
        await using (var shared = await databases.Shared.OpenConnectionAsync(cancellationToken))
        await using (var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken))
        {
            var owners = await OwnersAsync(shared, isolated, cancellationToken);
            RequireOwners([.. some.Where(entry => entry.IsDefinition)], databases, owners);
            // Every login may have default privileges for itself.
            some = [.. some.Where(entry => entry.Kind != "DEFAULT ACL" || owners.AreOurs(entry))];
        }
        var list = Path.Combine(folder, "some.list");
        await File.WriteAllLinesAsync(list, some.Select(entry => entry.Line), cancellationToken);
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

    // pg_restore makes an object before it gives the object away. One that it may not give away would stay ours: a stranger's
    // function that is SECURITY DEFINER would run with our rights.
    static void RequireOwners(IReadOnlyList<ArchiveEntry> made, Databases databases, Owners owners)
    {
        var foreign = made.Where(entry => !owners.AreOurs(entry)).GroupBy(owners.Of).FirstOrDefault();
        if (foreign is not null)
            throw MigratorException.Refused(
                PrivilegeMessages.ObjectsNotOwned(
                    databases.IsolatedServer.Username ?? "",
                    foreign.Key,
                    [.. foreign.Select(entry => $"{entry.Kind.ToLowerInvariant()} {entry.Tag}")]
                )
            );
    }

    static async Task<Owners> OwnersAsync(
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        CancellationToken cancellationToken
    )
    {
        const string roles = "SELECT rolname::text FROM pg_roles";
        return new(
            await shared.QueryAsync<string>(roles, cancellationToken),
            await isolated.QueryAsync<string>($"{roles} WHERE pg_has_role(oid, 'MEMBER')", cancellationToken)
        );
    }

    /// <param name="Known">The roles of the shared server.</param>
    /// <param name="Ours">Those that our role in the isolated database is a member of.</param>
    sealed record Owners(IReadOnlyList<string> Known, IReadOnlyList<string> Ours)
    {
        public string Of(ArchiveEntry entry) => entry.OwnerOf(Known);

        public bool AreOurs(ArchiveEntry entry) => Ours.Contains(Of(entry));
    }

    async Task<ArchiveEntry[]> MissingAsync(
        IReadOnlyList<SchemaPart> wanted,
        Databases databases,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var there = wanted.Any(part => part >= SchemaPart.PrimaryKeys)
            ? await ObjectIdentities.OnRelationsAsync(connection, cancellationToken)
            : [];
        return entries
            .Where(entry => wanted.Contains(parts.Of(entry)))
            .Where(entry =>
                entry.Kind is "ROW SECURITY" or "COMMENT"
                || entry.IsViewBody
                || !identities.TryGetValue((entry.ClassId, entry.ObjectId), out var identity)
                || !there.Contains(identity)
            )
            .ToArray();
    }

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
