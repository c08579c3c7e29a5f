using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Preflight;

/// <summary>The rights that the migrator's role lacks in the shared database, one by one.</summary>
sealed class PrivilegeCheck(PreflightContext context)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var me = await LoginAsync(cancellationToken);
        await context.CheckWriteAccessAsync(context.Shared, cancellationToken);
        await CheckTrustAsync(me, cancellationToken);
        if (!me.Create)
            context.Faults.Add(PrivilegeMessages.NoCreateOnDatabase(me.Name, context.Shared.Database));
        if (!me.Temporary)
            context.Faults.Add(PrivilegeMessages.NoTemporaryOnDatabase(me.Name, context.Shared.Database));
        await CheckOwnershipAsync(me, cancellationToken);
        if (!me.Super)
            await CheckFunctionsAsync(cancellationToken);
    }

    async Task<Login> LoginAsync(CancellationToken cancellationToken)
    {
        var (name, super, bypassRls, create, temporary, attributes) = await context.Shared.QuerySingleAsync<(
            string,
            bool,
            bool,
            bool,
            bool,
            string[]
        )>(
            """
            SELECT rolname::text, rolsuper, rolbypassrls,
                   has_database_privilege(current_database(), 'CREATE'),
                   has_database_privilege(current_database(), 'TEMPORARY'),
                   array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
                       CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION' END], NULL)
            FROM pg_roles WHERE rolname = current_user
            """,
            cancellationToken
        );
        return new(name, super, bypassRls, create, temporary, attributes);
    }

    // A superuser that owns a table could do all of it anyway.
    async Task CheckTrustAsync(Login me, CancellationToken cancellationToken)
    {
        var trusted = await context.Shared.QueryAsync<string>(
            "SELECT rolname::text FROM pg_roles WHERE rolsuper OR rolname = current_user",
            cancellationToken
        );
        var owners = context.Catalog.Tables.Select(table => table.Owner).Distinct().Except(trusted).ToArray();
        if (owners.Length > 0 && me.Attributes.Length > 0)
            context.Warnings.Add(PrivilegeMessages.OwnersAreTrusted(me.Name, me.Attributes, owners));
    }

    async Task CheckOwnershipAsync(Login me, CancellationToken cancellationToken)
    {
        foreach (var owner in context.Catalog.Tables.Where(table => !table.Owned).GroupBy(table => table.Owner))
            context.Faults.Add(PrivilegeMessages.NotOwner(me.Name, owner.Key, owner.Select(table => table.Name)));
        foreach (var sequence in context.Catalog.Sequences.Where(sequence => !sequence.Owned))
            context.Faults.Add(PrivilegeMessages.SequenceNotOwned(me.Name, sequence.Name));
        if (!me.BypassRls && !me.Super)
            foreach (var table in context.Scope.CopiedTables.Where(table => table.Table.ForcedRowSecurity))
                context.Faults.Add(PrivilegeMessages.ForcedRowSecurity(me.Name, table.Name));
        foreach (
            var (owner, objects) in await context.Shared.QueryAsync<(string, string[])>(
                SqlFile.Read("objects-not-owned.sql"),
                cancellationToken
            )
        )
            context.Faults.Add(PrivilegeMessages.ObjectsNotOwned(me.Name, owner, objects));
    }

    async Task CheckFunctionsAsync(CancellationToken cancellationToken)
    {
        foreach (
            var function in await context.Shared.QueryAsync<string>(
                """
                SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
                WHERE NOT l.lanpltrusted AND l.lanname <> 'internal' AND p.pronamespace >= 16384
                  AND NOT EXISTS (
                      SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
                """,
                cancellationToken
            )
        )
            context.Faults.Add(PrivilegeMessages.UntrustedFunction(function));
    }

    /// <summary>The migrator's role, and what it may do in the shared database.</summary>
    sealed record Login(string Name, bool Super, bool BypassRls, bool Create, bool Temporary, string[] Attributes);
}
