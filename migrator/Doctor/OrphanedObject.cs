using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Doctor;

public enum OrphanedObjectKind
{
    /// <summary>A replication slot: it makes its server keep WAL until the disk is full.</summary>
    Slot,

    /// <summary>A publication; harmless by itself.</summary>
    Publication,

    /// <summary>The write guard: row, triggers and functions.</summary>
    Guard,

    /// <summary>A server that could not be inspected.</summary>
    Server,

    /// <summary>The triggers that refuse rows of tenants who have moved for good.</summary>
    Fence,
}

/// <summary>An object of a promotion that should not exist, or not in its present state.</summary>
/// <param name="Owner">The tenant whose promotion made the object; null if neither tenants nor journal tell.</param>
/// <param name="Place">The object's database and server.</param>
/// <param name="Problem">The problem.</param>
/// <param name="Remedy">The next step.</param>
public sealed record OrphanedObject(
    OrphanedObjectKind Kind,
    string Name,
    Owner? Owner,
    Target Place,
    string Problem,
    string Remedy
)
{
    /// <summary>
    /// Whether the promotion, as it is in the journal now, uses the object. Null if a person has to decide
    /// about the object.
    /// </summary>
    public Func<PromotionRecord?, bool>? Serves { get; init; }

    /// <summary>Triggers are missing, and are to be installed anew; nothing is to be removed.</summary>
    public bool IsMended { get; init; }

    /// <summary><c>doctor --fix</c> puts it right.</summary>
    public bool IsRemovable => Serves is not null || IsMended;

    /// <summary>The WAL that the server keeps because of the object.</summary>
    public long? WalBytes { get; init; }

    /// <summary>Since when the object has been in this state, if known.</summary>
    public DateTime? Since { get; init; }
}
