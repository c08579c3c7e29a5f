using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;
using Migrator.Terminal;
using Npgsql;

namespace Migrator.Phases;

/// <summary>What Preflight found: everything that stands in the way, at once, and what a person should know besides.</summary>
public sealed record PreflightResult(
    Tenant Tenant,
    TenantScope Scope,
    PgTools? Tools,
    Preflight.Facts Facts,
    IReadOnlyList<string> Faults,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<PlannedTable> Plan
);

/// <summary>A table as the plan shows it; rows and bytes are the tenant's, by the planner's estimate.</summary>
public sealed record PlannedTable(ScopedTable Table, long Rows, long Bytes);

/// <summary>Reads everything and changes nothing.</summary>
public sealed class Preflight(MigratorSettings settings, Databases databases, Slug slug, string mode)
{
    public const string PhaseName = "preflight";

    const int OldestMajor = 14;

    readonly List<string> faults = [];
    readonly List<string> warnings = [];

    /// <summary>What later phases rely on.</summary>
    /// <param name="Fingerprint">The schema as it was judged; a change stops the promotion.</param>
    public sealed record Facts(string Fingerprint, int SharedMajor, int IsolatedMajor);

    Tenancy Tenancy => settings.Tenancy;

    public async Task<PreflightResult> RunAsync(CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var server = await databases.Maintenance.OpenConnectionAsync(cancellationToken);
        // One snapshot for all that is read: a consistent judgement. Read only: the promise, kept by the server.
        await using var reading = await shared.BeginTransactionAsync(
            System.Data.IsolationLevel.RepeatableRead,
            cancellationToken
        );
        await shared.ExecuteAsync("SET TRANSACTION READ ONLY", cancellationToken);

        var tenant = await TenantLookup.FindAsync(shared, Tenancy, slug, cancellationToken);
        if (tenant.IsIsolated)
            throw PromotionMessages.AlreadyIsolated(slug);
        if (tenant.IsolationMode != Tenant.SharedMode)
            faults.Add(TenantMessages.UnknownMode(slug, tenant.IsolationMode));

        var facts = new Facts(
            await Catalog.FingerprintAsync(shared, cancellationToken),
            shared.PostgreSqlVersion.Major,
            server.PostgreSqlVersion.Major
        );
        var tools = await VersionsAsync(facts, shared, cancellationToken);
        var catalog = await Catalog.ReadAsync(shared, cancellationToken);
        var scope = TenantScope.Classify(catalog, Tenancy);
        CheckScope(catalog, scope);
        await CheckPrivilegesAsync(shared, catalog, scope, cancellationToken);
        await CheckTargetAsync(shared, server, tenant, cancellationToken);
        await CheckObjectsAsync(shared, server, cancellationToken);
        if (mode == PromotionOptions.Online)
        {
            var readiness = await StreamReadiness.CheckAsync(shared, server, scope, databases, cancellationToken);
            faults.AddRange(readiness.Faults);
            warnings.AddRange(readiness.Warnings);
        }
        var plan = new List<PlannedTable>();
        if (faults.Count == 0)
        {
            // These read rows, and need the rights and the rules that were checked before.
            await CheckReferencesAsync(shared, scope, tenant, cancellationToken);
            await CountUnownedAsync(shared, scope, cancellationToken);
            await CheckIndexesAsync(shared, scope, cancellationToken);
            plan.AddRange(await PlanAsync(shared, scope, tenant, cancellationToken));
            if (mode == PromotionOptions.Online)
                faults.AddRange(StreamReadiness.TooLarge(plan));
        }
        return new(tenant, scope, tools, facts, faults, warnings, plan);
    }

    async Task<PgTools?> VersionsAsync(Facts facts, NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        if (facts.SharedMajor < OldestMajor)
            faults.Add(PreflightMessages.ServerTooOld("shared", facts.SharedMajor));
        if (facts.IsolatedMajor < facts.SharedMajor)
            faults.Add(PreflightMessages.TargetOlder(facts.SharedMajor, facts.IsolatedMajor));
        if (await shared.ExecuteScalarAsync<bool>("SELECT pg_is_in_recovery()", cancellationToken))
            faults.Add(PreflightMessages.IsStandby(databases.SharedServer));
        var tools = await PgTools.FindAsync(facts.SharedMajor, facts.IsolatedMajor, cancellationToken);
        if (tools is null)
            faults.Add(PreflightMessages.ToolsMissing(facts.SharedMajor));
        return tools;
    }

    void CheckScope(Catalog catalog, TenantScope scope)
    {
        foreach (
            var name in Tenancy
                .Reference.Concat(Tenancy.Ignored)
                .Concat(Tenancy.Derived.Keys)
                .Where(name => catalog.Find(name) is null)
        )
            faults.Add(PreflightMessages.SettingNamesNoTable(name));
        foreach (
            var name in Tenancy.Derived.Keys.Where(name =>
                catalog.Find(name) is not null && scope.Unclassified.Any(table => table.Name == name)
            )
        )
            faults.Add(
                PreflightMessages.DerivedPathUnknown(
                    name,
                    Tenancy.Derived[name],
                    catalog
                        .ForeignKeys.Where(key => key.From == name)
                        .Select(key => $"{string.Join(",", key.FromColumns)} → {key.To}")
                )
            );
        if (scope.Unclassified.Count > 0)
            faults.Add(
                PreflightMessages.Unclassified(scope.Unclassified.Select(table => table.Name), Tenancy.TenantColumn)
            );

        foreach (var table in scope.Tables.Where(table => table.IsCopied))
        {
            if (table.Table.IsForeign)
                faults.Add(PreflightMessages.ForeignTable(table.Name));
            if (table.Table.Unlogged)
                warnings.Add(PreflightMessages.UnloggedTable(table.Name));
            if (
                table.Table.Columns.FirstOrDefault(column =>
                    column.TypeText is "oid" or "oid[]" or "lo" or "public.lo"
                ) is
                { } column
            )
                warnings.Add(PreflightMessages.LargeObjects(table.Name, column.Name));
            if (
                table.Scope == TableScope.Derived
                && table.Table.Columns.Any(column => column.Name == Tenancy.TenantColumn)
            )
                warnings.Add(
                    PreflightMessages.TenantColumnOfOtherType(
                        table.Name,
                        Tenancy.TenantColumn,
                        table.Table.Column(Tenancy.TenantColumn)!.TypeText
                    )
                );
        }
    }

    async Task CheckPrivilegesAsync(
        NpgsqlConnection shared,
        Catalog catalog,
        TenantScope scope,
        CancellationToken cancellationToken
    )
    {
        var me = await shared.QuerySingleAsync<(string Name, bool Super, bool BypassRls, bool Create, bool Temporary)>(
            """
            SELECT rolname::text, rolsuper, rolbypassrls, has_database_privilege(current_database(), 'CREATE'), has_database_privilege(current_database(), 'TEMPORARY')
            FROM pg_roles WHERE rolname = current_user
            """,
            cancellationToken
        );
        if (!me.Create)
            faults.Add(PreflightMessages.NoCreateOnDatabase(me.Name, shared.Database));
        if (!me.Temporary)
            faults.Add(PreflightMessages.NoTemporaryOnDatabase(me.Name, shared.Database));
        foreach (var owner in catalog.Tables.Where(table => !table.Owned).GroupBy(table => table.Owner))
            faults.Add(PreflightMessages.NotOwner(me.Name, owner.Key, owner.Select(table => table.Name)));
        foreach (var sequence in catalog.Sequences.Where(sequence => !sequence.Owned))
            faults.Add(PreflightMessages.SequenceNotOwned(me.Name, sequence.Name));
        foreach (
            var table in scope.CopiedTables.Where(table => table.Table.ForcedRowSecurity && !me.BypassRls && !me.Super)
        )
            faults.Add(PreflightMessages.ForcedRowSecurity(me.Name, table.Name));
        foreach (
            var (owner, objects) in await shared.QueryAsync<(string, string[])>(
                SqlFile.Read("objects-not-owned.sql"),
                cancellationToken
            )
        )
            faults.Add(PreflightMessages.ObjectsNotOwned(me.Name, owner, objects));
        if (!me.Super)
            foreach (
                var function in await shared.QueryAsync<string>(
                    """
                    SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
                    WHERE NOT l.lanpltrusted AND l.lanname <> 'internal' AND p.pronamespace >= 16384
                      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
                    """,
                    cancellationToken
                )
            )
                faults.Add(PreflightMessages.UntrustedFunction(function));
    }

    async Task CheckTargetAsync(
        NpgsqlConnection shared,
        NpgsqlConnection server,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        var me = await server.QuerySingleAsync<(string Name, bool Super, bool CreateDb, bool CreateRole)>(
            "SELECT rolname::text, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user",
            cancellationToken
        );
        var known = (
            await server.QueryAsync<string>("SELECT rolname::text FROM pg_roles", cancellationToken)
        ).ToHashSet();
        var missing = (await Provision.RolesOfAsync(databases.Shared, cancellationToken))
            .Where(role => !known.Contains(role))
            .ToArray();
        // Giving an object to its owner takes the right to become that role; from 16 on that is a right of its own.
        if (!me.Super)
            foreach (var owner in (await OwnersAsync(shared, cancellationToken)).Where(known.Contains))
                if (
                    !await server.ExecuteScalarAsync<bool>(
                        $"SELECT pg_has_role(@owner, '{(server.PostgreSqlVersion.Major >= 16 ? "SET" : "MEMBER")}')",
                        new { owner },
                        cancellationToken
                    )
                )
                    faults.Add(PreflightMessages.NotMemberOnTarget(me.Name, owner, databases.IsolatedServer));
        if (missing.Length > 0 && !me.CreateRole && !me.Super)
            faults.Add(PreflightMessages.RolesMissing(me.Name, missing));
        if (!known.Contains(Tenancy.ApplicationRole) && !missing.Contains(Tenancy.ApplicationRole))
            warnings.Add(PreflightMessages.NoApplicationRole(Tenancy.ApplicationRole));

        var there = await server.QueryFirstOrDefaultAsync<(string Encoding, string Collate, string CType)?>(
            "SELECT pg_encoding_to_char(encoding), datcollate::text, datctype::text FROM pg_database WHERE datname = @name",
            new { name = slug.DatabaseName },
            cancellationToken
        );
        if (there is null)
        {
            if (!me.CreateDb && !me.Super)
                faults.Add(PreflightMessages.NoCreateDb(me.Name));
            return;
        }

        var here = await shared.QuerySingleAsync<(string Encoding, string Collate, string CType)>(
            "SELECT pg_encoding_to_char(encoding), datcollate::text, datctype::text FROM pg_database WHERE datname = current_database()",
            cancellationToken
        );
        if (here != there)
            faults.Add(
                PreflightMessages.CollationDiffers(
                    slug,
                    $"{here.Encoding}, {here.Collate}, {here.CType}",
                    $"{there.Value.Encoding}, {there.Value.Collate}, {there.Value.CType}"
                )
            );
        await CheckExistingDatabaseAsync(tenant, cancellationToken);
    }

    static async Task<IReadOnlyList<string>> OwnersAsync(
        NpgsqlConnection shared,
        CancellationToken cancellationToken
    ) =>
        [
            .. await shared.QueryAsync<string>(
                """
                SELECT DISTINCT r.rolname::text FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
                WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o' AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND d.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_namespace'::regclass)
                """,
                cancellationToken
            ),
        ];

    async Task CheckExistingDatabaseAsync(Tenant tenant, CancellationToken cancellationToken)
    {
        try
        {
            await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
            var owner = await IsolatedJournal.OwnerAsync(isolated, cancellationToken);
            if (owner == tenant.Key)
                return;
            var objects = await isolated.ExecuteScalarAsync<long>(
                """
                SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
                  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
                """,
                cancellationToken
            );
            if (owner is not null || objects > 0)
                faults.Add(PreflightMessages.TargetNotOurs(slug, databases.IsolatedServer));
            else if (
                !await isolated.ExecuteScalarAsync<bool>(
                    "SELECT has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE')",
                    cancellationToken
                )
            )
                faults.Add(PreflightMessages.NoCreateOnDatabase(databases.IsolatedServer.Username!, slug.DatabaseName));
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            faults.Add(PreflightMessages.TargetNotOurs(slug, databases.IsolatedServer));
        }
    }

    async Task CheckObjectsAsync(NpgsqlConnection shared, NpgsqlConnection server, CancellationToken cancellationToken)
    {
        var available = (
            await server.QueryAsync<(string Name, bool Creatable)>(
                """
                SELECT name::text, bool_or(NOT superuser OR trusted) OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                       OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'cloudsqlsuperuser')
                FROM pg_available_extension_versions GROUP BY name
                """,
                cancellationToken
            )
        ).ToDictionary(row => row.Name, row => row.Creatable);
        foreach (
            var extension in await shared.QueryAsync<string>(
                "SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql'",
                cancellationToken
            )
        )
            if (!available.TryGetValue(extension, out var creatable))
                faults.Add(PreflightMessages.ExtensionMissing(extension));
            else if (!creatable && !await InstalledAsync(extension, cancellationToken))
                faults.Add(PreflightMessages.ExtensionNotCreatable(extension, slug));

        foreach (
            var trigger in await shared.QueryAsync<string>(
                "SELECT evtname::text FROM pg_event_trigger WHERE evtenabled <> 'D'",
                cancellationToken
            )
        )
            warnings.Add(PreflightMessages.EventTrigger(trigger));
        foreach (
            var publication in await shared.QueryAsync<string>(
                "SELECT pubname::text FROM pg_publication",
                cancellationToken
            )
        )
            warnings.Add(PreflightMessages.Publication(publication));
        foreach (
            var session in await shared.QueryAsync<string>(
                """
                SELECT format('process %s (%s, %s), open for %s s', pid, usename, state, round(extract(epoch FROM now() - xact_start)))
                FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - interval '1 minute'
                """,
                cancellationToken
            )
        )
            warnings.Add(PreflightMessages.OldTransaction(session));
    }

    async Task<bool> InstalledAsync(string extension, CancellationToken cancellationToken)
    {
        try
        {
            await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
            return await isolated.ExecuteScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = @extension)",
                new { extension },
                cancellationToken
            );
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidCatalogName)
        {
            return false;
        }
    }

    // Both ways: a reference out of the tenant could never be satisfied in T, one into it would stop finalize.
    async Task CheckReferencesAsync(
        NpgsqlConnection shared,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        foreach (var key in scope.ForeignKeys)
        {
            var (from, to) = (scope[key.From], scope[key.To]);
            var tenantColumn =
                from.IsTenantData && from.Scope == TableScope.Direct ? scope.TenantColumn(from).Name : null;
            // A key that carries the tenant on both ends cannot cross, nor can the step by which a table belongs.
            var carries =
                to.IsTenantData
                && to.Scope is TableScope.Root or TableScope.Direct
                && key.FromColumns.Zip(key.ToColumns)
                    .Any(pair => pair.First == tenantColumn && pair.Second == scope.TenantColumn(to).Name);
            if (carries || to.Scope == TableScope.Reference || from.Path.FirstOrDefault() == key)
                continue;

            var join = string.Join(
                " AND ",
                key.FromColumns.Zip(key.ToColumns, (f, t) => $"p.{Sql.Identifier(t)} = t.{Sql.Identifier(f)}")
            );
            var ours = scope.Condition(from, "t", tenant.Key);
            var theirs = $"({scope.Condition(to, "p", tenant.Key)}) IS NOT TRUE";
            var label =
                from.Table.Key.Count > 0
                    ? string.Join(" || ', ' || ", from.Table.Key.Select(name => $"t.{Sql.Identifier(name)}::text"))
                    : "t.ctid::text";
            if (from.IsCopied)
                await AddCrossingsAsync(
                    shared,
                    from,
                    key,
                    label,
                    $"{ours} AND EXISTS (SELECT FROM {to.Table.From} p WHERE {join} AND {theirs})",
                    inward: false,
                    cancellationToken
                );
            // An ignored table's rows stay behind and would go on referring to rows that finalize deletes. The tenant's own row stays.
            if (
                from.Scope != TableScope.Reference
                && to is { IsTenantData: true }
                && (to.Scope != TableScope.Root || from.IsTenantData)
            )
                await AddCrossingsAsync(
                    shared,
                    from,
                    key,
                    label,
                    $"({ours}) IS NOT TRUE AND EXISTS (SELECT FROM {to.Table.From} p WHERE {join} AND {scope.Condition(to, "p", tenant.Key)})",
                    inward: true,
                    cancellationToken
                );
        }
    }

    async Task AddCrossingsAsync(
        NpgsqlConnection shared,
        ScopedTable from,
        ForeignKey key,
        string label,
        string condition,
        bool inward,
        CancellationToken cancellationToken
    )
    {
        var (count, samples) = await shared.QuerySingleAsync<(long, string[])>(
            $"SELECT count(*), coalesce((array_agg(label))[1:5], '{{}}') FROM (SELECT {label} AS label FROM {from.Table.From} t WHERE {condition}) crossing",
            cancellationToken
        );
        if (count > 0)
            faults.Add(
                inward
                    ? PreflightMessages.ReferencedByOthers(from.Name, key.To, key.Name, count, samples)
                    : PreflightMessages.CrossTenantReference(from.Name, key.To, key.Name, count, samples)
            );
    }

    async Task CountUnownedAsync(NpgsqlConnection shared, TenantScope scope, CancellationToken cancellationToken)
    {
        foreach (var table in scope.TenantTables)
            if (
                scope.RowsWithoutTenant(table, "t") is { } unowned
                && await shared.ExecuteScalarAsync<long>(
                    $"SELECT count(*) FROM {table.Table.From} t WHERE {unowned}",
                    cancellationToken
                )
                    is > 0
                        and var rows
            )
                warnings.Add(PreflightMessages.RowsWithoutTenant(table.Name, rows));
    }

    // Deleting a referenced row looks for the rows that refer to it: without an index, through the whole table, row by row.
    async Task CheckIndexesAsync(NpgsqlConnection shared, TenantScope scope, CancellationToken cancellationToken)
    {
        const long worthAnIndex = 10_000;
        foreach (
            var key in scope.ForeignKeys.Where(key =>
                scope[key.To] is { IsTenantData: true, Scope: not TableScope.Root }
                && scope[key.From].Table.EstimatedRows > worthAnIndex
            )
        )
            if (
                !await shared.ExecuteScalarAsync<bool>(
                    """
                    SELECT EXISTS (SELECT FROM pg_index i
                                   WHERE i.indrelid = CAST(@table AS regclass) AND i.indisvalid
                                     AND (SELECT array_agg(a.attname::text) FROM pg_attribute a
                                          WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:cardinality(@columns) - 1])) @> @columns)
                    """,
                    new { table = key.From.Quoted, columns = key.FromColumns.ToArray() },
                    cancellationToken
                )
            )
                warnings.Add(PreflightMessages.ForeignKeyWithoutIndex(key.Name, key.From, key.FromColumns, key.To));
    }

    static async Task<IReadOnlyList<PlannedTable>> PlanAsync(
        NpgsqlConnection shared,
        TenantScope scope,
        Tenant tenant,
        CancellationToken cancellationToken
    )
    {
        var plan = new List<PlannedTable>();
        foreach (var table in scope.CopiedTables)
        {
            var explained = await shared.ExecuteScalarAsync<string>(
                $"EXPLAIN (FORMAT JSON) SELECT * FROM {table.Table.From} t WHERE {scope.Condition(table, "t", tenant.Key)}",
                cancellationToken
            );
            using var document = System.Text.Json.JsonDocument.Parse(explained!);
            var rows = document.RootElement[0].GetProperty("Plan").GetProperty("Plan Rows").GetInt64();
            var share = table.Table.EstimatedRows > 0 ? Math.Min(1.0, (double)rows / table.Table.EstimatedRows) : 1;
            plan.Add(new(table, rows, (long)(table.Table.Bytes * share)));
        }
        return plan;
    }
}
