using Migrator.Streaming;

namespace Migrator.Reporting;

/// <summary>The part of <see cref="StatusDocument"/> that is about the change stream's replication slot.</summary>
/// <param name="Database">The database that the slot reads from.</param>
/// <param name="LagBytes">WAL written since the position that was confirmed last.</param>
/// <param name="WalHeldBytes">WAL that the server keeps because of the slot.</param>
/// <param name="WalStatus"><c>reserved</c>, <c>extended</c>, <c>unreserved</c> or <c>lost</c>.</param>
/// <param name="SafeWalSize">Bytes of WAL until the slot may be lost; null without a limit.</param>
/// <param name="Active">A run streams from the slot now.</param>
/// <param name="Failover">Standbys may keep a copy of the slot; null before PostgreSQL 17.</param>
/// <param name="Synced">The server has the slot from its former primary; null before PostgreSQL 17.</param>
/// <param name="AgeSeconds">Time since the promotion began; null without a promotion.</param>
public sealed record StreamSection(
    string Slot,
    string Database,
    long LagBytes,
    long WalHeldBytes,
    string? WalStatus,
    long? SafeWalSize,
    bool Active,
    bool? Failover,
    bool? Synced,
    double? AgeSeconds
)
{
    public static StreamSection Of(SlotStatus slot, double? ageSeconds) =>
        new(
            slot.Name,
            slot.Database,
            slot.LagBytes,
            slot.WalHeldBytes,
            slot.WalStatus,
            slot.SafeWalSize,
            slot.Active,
            slot.Failover,
            slot.Synced,
            ageSeconds is { } seconds ? Math.Round(seconds) : null
        );
}
