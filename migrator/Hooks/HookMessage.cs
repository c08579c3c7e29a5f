using Migrator.Journal;

namespace Migrator.Hooks;

/// <summary>What a hook is told.</summary>
/// <param name="Key">The same in each attempt to deliver it.</param>
/// <param name="Body">The JSON document, the same in each attempt.</param>
public sealed record HookMessage(
    Guid Key,
    string Event,
    string TenantSlug,
    string TenantKey,
    long Promotion,
    string Body
)
{
    public static HookMessage Of(OutboxRecord record) =>
        new(record.Key, record.Event, record.TenantSlug, record.TenantKey, record.Promotion, record.Payload);
}
