using Migrator.Journal;

namespace Migrator.Reporting;

/// <summary>The part of <see cref="StatusDocument"/> that says how much the run at work may load the servers.</summary>
/// <param name="Paused">Another terminal lets the run stand still.</param>
/// <param name="MaxRate">Bytes a second; 0 for no limit, as with the next two.</param>
/// <param name="MaxReplicaLag">Bytes; null for the mode's default.</param>
/// <param name="ChangedBy">Who has changed the limits, or paused or resumed the run, last; null if nobody has.</param>
/// <param name="ChangedAt">When; null if nobody has.</param>
public sealed record LoadSection(
    bool Paused,
    long MaxRate,
    long? MaxReplicaLag,
    int MaxActiveSessions,
    string? ChangedBy,
    DateTime? ChangedAt
)
{
    /// <summary>Null for a run that has said nothing.</summary>
    public static LoadSection? Of(GovernorOrder? order) =>
        order is null
            ? null
            : new(
                order.Paused,
                order.MaxRate,
                order.MaxReplicaLag,
                order.MaxActiveSessions,
                order.ChangedBy,
                order.ChangedBy is null ? null : order.ChangedAt
            );
}
