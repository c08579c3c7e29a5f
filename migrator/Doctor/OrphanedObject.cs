using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Doctor;

public enum OrphanedObjectKind
{
    /// <summary>A replication slot: makes its server keep WAL until the disk is full.</summary>
    Slot,

    /// <summary>A publication; harmless by itself.</summary>
    Publication,

    /// <summary>The write guard: row, triggers and functions.</summary>
    Guard,

    /// <summary>A server that could not be looked at.</summary>
    Server,
}

/// <summary>Something of a promotion that is where it should not be, or not as it should be.</summary>
/// <param name="Owner">Whose promotion made it; null when neither tenants nor journal tell.</param>
/// <param name="Place">Where it is.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Remedy">What to do.</param>
public sealed record OrphanedObject(
    OrphanedObjectKind Kind,
    string Name,
    Owner? Owner,
    Target Place,
    string Problem,
    string Remedy
)
{
    /// <summary>Tells by the promotion, as the journal has it now, whether the thing serves it. Null for what is not to be removed but decided.</summary>
    public Func<PromotionRecord?, bool>? Serves { get; init; }

    public bool IsRemovable => Serves is not null;

    /// <summary>WAL that the server keeps because of it.</summary>
    public long? WalBytes { get; init; }

    /// <summary>Since when it has been so, if that is known.</summary>
    public DateTime? Since { get; init; }
}

/// <summary>A tenant, and its newest promotion if there was one.</summary>
public sealed record Owner(Tenant Tenant, PromotionRecord? Promotion);

/// <summary>What was found.</summary>
/// <param name="Warnings">What could not be looked at and hardly matters: servers that only promotions of the past name.</param>
public sealed record Diagnosis(IReadOnlyList<OrphanedObject> Orphans, IReadOnlyList<string> Warnings);
