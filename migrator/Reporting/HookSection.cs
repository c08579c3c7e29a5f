using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Reporting;

/// <summary>The part of <see cref="StatusDocument"/> that says what one hook was told, and whether the hook has taken it.</summary>
/// <param name="Event">See <see cref="HookEvent"/>.</param>
/// <param name="Attempts">How often it was tried to deliver; of a question 1.</param>
/// <param name="DeliveredAt">Null as long as the hook has not taken it.</param>
/// <param name="GivenUpAt">Since when it is not tried any more by itself; of a question: when the hook said no.</param>
/// <param name="Failure">Why the last attempt did not succeed.</param>
public sealed record HookSection(
    string Hook,
    string Event,
    string Id,
    DateTime At,
    int Attempts,
    DateTime? DeliveredAt,
    DateTime? GivenUpAt,
    string? Failure
)
{
    /// <summary>Still to be delivered. A question that was not answered with yes is over.</summary>
    public bool IsOutstanding() => DeliveredAt is null && Event != HookEvent.BeforeCutover;

    public static HookSection Of(OutboxRecord record) =>
        new(
            record.Hook,
            record.Event,
            record.Key.ToString(),
            record.HappenedAt,
            record.Event == HookEvent.BeforeCutover ? 1 : record.Attempts,
            record.DeliveredAt,
            record.GivenUpAt,
            record.Failure
        );

    /// <summary>How that ended, in a few words.</summary>
    public string Outcome() =>
        (DeliveredAt, Event, GivenUpAt) switch
        {
            ({ }, HookEvent.BeforeCutover, _) => "allowed",
            ({ }, _, _) => "delivered",
            (null, HookEvent.BeforeCutover, { }) => "not allowed",
            (null, HookEvent.BeforeCutover, null) => "not answered",
            (null, _, { }) => "given up",
            _ => Attempts == 0 ? "to be delivered" : "not delivered yet",
        };

    /// <summary>Why not, after the outcome; empty where there is nothing to tell.</summary>
    public string Why() => Failure is { } failure ? $": {failure}" : "";

    /// <summary>A sentence for each hook that has not taken everything.</summary>
    public static IEnumerable<string> Warnings(Slug slug, IReadOnlyList<HookSection> all, bool isActive) =>
        // A run delivers by itself what it has not tried yet.
        all.Where(one => one.IsOutstanding() && !(isActive && one.Attempts == 0))
            .GroupBy(one => one.Hook)
            .Select(group =>
                HookMessages.Outstanding(
                    slug,
                    group.Key,
                    [.. group.Select(one => one.Event).Distinct()],
                    group.Last().Failure
                )
            );
}
