using Migrator.Connections;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// The state of one of our logical replication slots. A slot keeps the server from recycling WAL until the changes have
/// been fetched.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/view-pg-replication-slots.html</remarks>
public sealed record SlotStatus
{
    // A column that came with a later version is read through JSON, where it may be missing.
    const string Select = """
        SELECT slot_name::text AS "Name", database::text AS "Database",
               coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::bigint AS "LagBytes",
               coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS "WalHeldBytes",
               wal_status AS "WalStatus", safe_wal_size AS "SafeWalSize", active AS "Active",
               (to_jsonb(s) ->> 'inactive_since')::timestamptz AS "InactiveSince",
               (to_jsonb(s) ->> 'failover')::boolean AS "Failover", (to_jsonb(s) ->> 'synced')::boolean AS "Synced"
        FROM pg_replication_slots s
        """;

    public string Name { get; init; } = "";

    public string Database { get; init; } = "";

    /// <summary>WAL written since the position that was confirmed last.</summary>
    public long LagBytes { get; init; }

    /// <summary>WAL that the server keeps because of this slot.</summary>
    public long WalHeldBytes { get; init; }

    /// <summary><c>reserved</c>, <c>extended</c>, <c>unreserved</c> or <c>lost</c>.</summary>
    public string? WalStatus { get; init; }

    /// <summary>
    /// How much more WAL may be written before the slot may be lost; null without <c>max_slot_wal_keep_size</c>.
    /// </summary>
    public long? SafeWalSize { get; init; }

    /// <summary>A session streams from the slot now.</summary>
    public bool Active { get; init; }

    /// <summary>Since when no session has streamed from the slot; known from PostgreSQL 17 on.</summary>
    public DateTime? InactiveSince { get; init; }

    /// <summary>Standbys may keep a copy of the slot; known from PostgreSQL 17 on.</summary>
    public bool? Failover { get; init; }

    /// <summary>
    /// This server was a standby, and has the slot from its former primary; known from PostgreSQL 17 on.
    /// </summary>
    public bool? Synced { get; init; }

    /// <summary>The server no longer has, or may remove at any moment, WAL that the slot needs.</summary>
    public bool IsInvalid => WalStatus is "lost" or "unreserved";

    /// <summary>The slot of that name on the connection's server, or null.</summary>
    public static async Task<SlotStatus?> ReadAsync(
        NpgsqlConnection connection,
        string slotName,
        CancellationToken cancellationToken
    ) =>
        (
            await QueryAsync(
                connection,
                "WHERE slot_name = @slotName AND slot_type = 'logical'",
                new { slotName },
                cancellationToken
            )
        ).SingleOrDefault();

    /// <summary>
    /// All slots on the connection's server with a name of ours, in whatever database; not those that end with their
    /// session.
    /// </summary>
    public static Task<IReadOnlyList<SlotStatus>> ListAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        QueryAsync(
            connection,
            "WHERE starts_with(slot_name, @Prefix) AND slot_type = 'logical' AND NOT temporary ORDER BY slot_name",
            new { StreamNames.Prefix },
            cancellationToken
        );

    static async Task<IReadOnlyList<SlotStatus>> QueryAsync(
        NpgsqlConnection connection,
        string which,
        object parameters,
        CancellationToken cancellationToken
    ) => [.. await connection.QueryAsync<SlotStatus>($"{Select} {which}", parameters, cancellationToken)];
}
