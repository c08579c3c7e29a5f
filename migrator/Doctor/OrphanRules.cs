using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Streaming;

namespace Migrator.Doctor;

/// <summary>Which objects are orphaned, and what helps; null for an object that is where it belongs.</summary>
/// <param name="activeRuns">The keys of the tenants that a run works on.</param>
sealed class OrphanRules(HashSet<string> activeRuns)
{
    public OrphanedObject? Slot(Target place, SlotStatus slot, Owner? owner, Func<PromotionRecord?, bool> serves)
    {
        var orphan = new OrphanedObject(
            OrphanedObjectKind.Slot,
            slot.Name,
            owner,
            place,
            DoctorMessages.NotInUse,
            DoctorMessages.DoctorRemoves
        )
        {
            Serves = serves,
            WalBytes = slot.WalHeldBytes,
            Since = slot.InactiveSince ?? owner?.Promotion?.EndedAt,
        };
        if (IsOrphaned(owner, serves))
            return orphan;
        return !slot.IsInvalid
            ? null
            : orphan with
            {
                Serves = null,
                Problem = $"wal_status is {slot.WalStatus}",
                Remedy = StreamMessages.SlotInvalid(
                    owner!.Tenant.Slug,
                    slot.Name,
                    slot.Database,
                    slot.WalStatus == "lost",
                    slot.WalHeldBytes,
                    owner.Promotion!.IsFlipped
                ),
            };
    }

    public OrphanedObject? Publication(
        Target place,
        string publication,
        Owner? owner,
        Func<PromotionRecord?, bool> serves
    ) =>
        !IsOrphaned(owner, serves)
            ? null
            : new(
                OrphanedObjectKind.Publication,
                publication,
                owner,
                place,
                DoctorMessages.NotInUse,
                DoctorMessages.DoctorRemoves
            )
            {
                Serves = serves,
                Since = owner?.Promotion?.EndedAt,
            };

    public OrphanedObject? Guard(Target place, InstalledGuard guard, Owner? owner)
    {
        var problem = guard.State is null
            ? $"{guard.Objects} triggers and functions without the guard's row"
            : $"{guard.State}, {guard.Objects} triggers and functions, no promotion under way";
        var orphan = new OrphanedObject(
            OrphanedObjectKind.Guard,
            guard.Prefix,
            owner,
            place,
            problem,
            DoctorMessages.DoctorRemoves
        )
        {
            Since = guard.ChangedAt ?? owner?.Promotion?.EndedAt,
        };
        if (owner is null)
            return orphan with { Remedy = DoctorMessages.DropTriggersByHand(guard.Prefix) };
        return IsOrphaned(owner, ExpectedObjects.MayHaveGuard)
            ? orphan with
            {
                Serves = ExpectedObjects.MayHaveGuard,
            }
            : null;
    }

    /// <summary>Triggers of the guard of a promotion under way; a run that is at work puts them right itself.</summary>
    public OrphanedObject? GuardTriggers(Target place, Owner owner, IReadOnlyList<string> missing) =>
        missing.Count == 0 || IsActive(owner)
            ? null
            : Mended(OrphanedObjectKind.Guard, WriteGuard.PrefixOf(owner.Tenant.Key), owner, place, missing);

    /// <summary>Triggers of the fence that are missing.</summary>
    public static OrphanedObject? FenceTriggers(Target place, IReadOnlyList<string> missing) =>
        missing.Count == 0 ? null : Mended(OrphanedObjectKind.Fence, Fence.Prefix, null, place, missing);

    /// <summary>The fence although no tenant has moved; the run that brings the last one home lowers it at its end.</summary>
    public OrphanedObject? LoneFence(Target place, bool stands) =>
        !stands || activeRuns.Count > 0
            ? null
            : new(
                OrphanedObjectKind.Fence,
                Fence.Prefix,
                null,
                place,
                DoctorMessages.FenceOfNobody,
                DoctorMessages.DoctorRemoves
            )
            {
                Serves = _ => false,
            };

    static OrphanedObject Mended(
        OrphanedObjectKind kind,
        string name,
        Owner? owner,
        Target place,
        IReadOnlyList<string> missing
    ) =>
        new(kind, name, owner, place, DoctorMessages.TriggersMissing(missing), DoctorMessages.DoctorMends)
        {
            IsMended = true,
        };

    /// <summary>A guard in the isolated database, which the tenant leaves only in a rollback.</summary>
    public OrphanedObject? IsolatedGuard(Target place, InstalledGuard guard, Owner owner) =>
        guard is not { State: GuardState.Moved }
        || guard.TenantKey != owner.Tenant.Key
        || owner.Promotion is not { EndedAt: null, IsFlipped: true }
        || IsActive(owner)
            ? null
            : new(
                OrphanedObjectKind.Guard,
                guard.Prefix,
                owner,
                place,
                DoctorMessages.LeftOnTheWayHome,
                DoctorMessages.RollBackOn(owner.Tenant.Slug)
            )
            {
                Since = guard.ChangedAt,
            };

    /// <summary>The guard of an isolated database that was closed while the tenant arrived.</summary>
    public OrphanedObject? Arrival(Target place, bool isClosed, Owner owner) =>
        !isClosed || owner.Promotion?.Stage != PromotionStage.Isolated || IsActive(owner)
            ? null
            : new(
                OrphanedObjectKind.Guard,
                ArrivalGuard.Trigger,
                owner,
                place,
                DoctorMessages.NotArrived,
                DoctorMessages.OpenArrival(owner.Tenant.Slug)
            )
            {
                Since = owner.Promotion.Phase(PhaseName.CutOver)?.EndedAt,
            };

    // An active run removes its objects itself.
    bool IsOrphaned(Owner? owner, Func<PromotionRecord?, bool> serves) =>
        !serves(owner?.Promotion) && (owner is null || !IsActive(owner));

    bool IsActive(Owner owner) => activeRuns.Contains(owner.Tenant.Key);
}
