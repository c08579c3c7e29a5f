using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Messages;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>What the online mode asks of the servers and of the tables.</summary>
/// <remarks>https://www.postgresql.org/docs/current/logical-replication-config.html</remarks>
public static class StreamReadiness
{
    // A table that the stream cannot follow is copied during the pause.
    const long SmallRows = 100_000;
    const long SmallBytes = 50_000_000;

    public static async Task<(IReadOnlyList<string> Faults, IReadOnlyList<string> Warnings)> CheckAsync(
        NpgsqlConnection shared,
        NpgsqlConnection server,
        TenantScope scope,
        Databases databases,
        CancellationToken cancellationToken
    )
    {
        var faults = new List<string>();
        var warnings = new List<string>();
        var here = await ServerAsync(shared, databases.SharedReplication, cancellationToken);
        if (here.WalLevel != "logical")
            faults.Add(PreflightMessages.NoLogicalDecoding(here.WalLevel));
        faults.AddRange(Lacks(here, "shared", databases.SharedServer));
        if (here.MaxKept < 0)
            warnings.Add(PreflightMessages.UnlimitedLogKept);
        if (here.MaxKept is >= 0 and < 1024)
            warnings.Add(PreflightMessages.LittleLogKept(here.MaxKept));

        var there = await ServerAsync(server, databases.IsolatedReplication, cancellationToken);
        var isolated = databases.IsolatedServer;
        if (there.WalLevel != "logical")
            warnings.Add(StreamMessages.NoWayBackByStream(new(isolated.Host!, isolated.Port, isolated.Database!)));
        else
            faults.AddRange(Lacks(there, "isolated database's", isolated, there.MayAlterRoles));

        warnings.AddRange(
            scope.UnstreamedTables.Select(table =>
                table.Reads.Any() ? ScopeMessages.Reading(table.Name, table.Reads)
                : GuardTriggers.Notes(table) ? PreflightMessages.Noted(table.Name)
                : PreflightMessages.NotStreamable(table.Name)
            )
        );
        faults.AddRange(scope.UnstreamedTables.SelectMany(table => References(scope, table)));
        faults.AddRange(
            from table in scope.CopiedTables
            where table.Scope == TableScope.Shared && !table.Table.IsStreamable
            select PreflightMessages.SharedNotStreamable(table.Name)
        );
        faults.AddRange(NotComparable(scope));
        return (faults, warnings);
    }

    static IEnumerable<string> Lacks(
        Server server,
        string name,
        NpgsqlConnectionStringBuilder address,
        bool takesReplication = false
    )
    {
        if (!server.MayReplicate && !takesReplication)
            yield return PreflightMessages.NoReplication(server.Role, address);
        // The stream's own slot, and a temporary one for each consistent point.
        if (server.FreeSlots < 2)
            yield return PreflightMessages.TooFewSlots(name, server.FreeSlots);
        if (server.FreeSenders < 2)
            yield return PreflightMessages.TooFewSenders(name, server.FreeSenders);
    }

    static IEnumerable<string> References(TenantScope scope, ScopedTable table) =>
        scope
            .ForeignKeys.Where(key => key.To == table.Name && key.From != table.Name && scope[key.From].IsCopied)
            .Select(key => PreflightMessages.NotStreamableButReferenced(table.Name, key.From, key.Name));

    // The migrator filters the stream by comparing texts.
    static IEnumerable<string> NotComparable(TenantScope scope) =>
        from table in scope.TenantTables
        where
            table.Scope is TableScope.Root or TableScope.Direct
            && table.Tree is null
            && !table.TenantColumn.IsEqualAsText
        let column = table.TenantColumn
        select PreflightMessages.TenantColumnNotComparable(table.Name, column.Name, column.TypeText);

    /// <summary>Tables outside the stream that are too large to be copied while the tenant waits.</summary>
    public static IEnumerable<string> TooLarge(IEnumerable<PlannedTable> plan) =>
        plan.Where(planned =>
                planned.Table.IsTenantData
                && !planned.Table.IsStreamed
                && !GuardTriggers.Notes(planned.Table)
                && (planned.Rows > SmallRows || planned.Bytes > SmallBytes)
            )
            .Select(planned =>
                planned.Table.Reads.Any()
                    ? ScopeMessages.TooLargeToRead(planned.Table.Name, planned.Rows)
                    : PreflightMessages.TooLargeForThePause(planned.Table.Name, planned.Rows)
            );

    static Task<Server> ServerAsync(
        NpgsqlConnection connection,
        NpgsqlConnectionStringBuilder replication,
        CancellationToken cancellationToken
    ) =>
        connection.QuerySingleAsync<Server>(
            """
            SELECT current_setting('wal_level') AS "WalLevel",
                   EXISTS (SELECT FROM pg_roles WHERE rolname = login.name AND (rolsuper OR rolreplication))
                       AS "MayReplicate",
                   EXISTS (SELECT FROM pg_roles r JOIN pg_roles cloud ON pg_has_role(r.oid, cloud.oid, 'MEMBER')
                           WHERE r.rolname = login.name AND cloud.rolname = @CloudAdministrators) AS "MayAlterRoles",
                   login.name AS "Role",
                   current_setting('max_replication_slots')::int
                       - (SELECT count(*) FROM pg_replication_slots)::int AS "FreeSlots",
                   current_setting('max_wal_senders')::int
                       - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender')::int AS "FreeSenders",
                   (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS "MaxKept"
            FROM (SELECT coalesce(@Username, current_user::text) AS name) login
            """,
            new { replication.Username, ReplicationRight.CloudAdministrators },
            cancellationToken
        );

    sealed record Server(
        string WalLevel,
        bool MayReplicate,
        bool MayAlterRoles,
        string Role,
        int FreeSlots,
        int FreeSenders,
        int MaxKept
    );
}
