namespace Migrator.Journal;

/// <summary>One message to one hook.</summary>
/// <param name="Attempts">How often it was tried to deliver.</param>
/// <param name="GivenUpAt">Since when it is not tried any more by itself.</param>
/// <param name="Failure">Why the last attempt did not succeed.</param>
public sealed record OutboxRecord(
    long Id,
    long Promotion,
    string TenantKey,
    string TenantSlug,
    string Hook,
    string Event,
    Guid Key,
    DateTime HappenedAt,
    string Payload,
    int Attempts,
    DateTime? DeliveredAt,
    DateTime? GivenUpAt,
    string? Failure
);
