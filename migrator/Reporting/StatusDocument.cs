using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Reporting;

/// <summary>Where a tenant is, and how far its promotion: what status, promote, rollback and finalize print.</summary>
/// <param name="Plan">The column of that name in the tenants table, as are the next three; null without it.</param>
/// <param name="Isolation">What the flip wrote into the tenant's settings.</param>
/// <param name="Guard"><c>open</c>, <c>closed</c> or <c>moved</c>; null when there is no write guard.</param>
/// <param name="Run">The run that is at work; null when there is none.</param>
/// <param name="Promotion">The newest promotion; null when there was none.</param>
/// <param name="Stream">The replication slot of the promotion; null when there is none.</param>
/// <param name="Hold">The hold before the cutover; null when the promotion does not hold, or has flipped.</param>
/// <param name="Progress">How far the run is in its phase; null when no run is at work, or has said nothing yet.</param>
/// <param name="Load">What the run may load the servers with; null when no run is at work, or has said nothing yet.</param>
/// <param name="Hooks">What hooks were told of the newest promotion, and what they have not taken of earlier ones.</param>
/// <param name="WaitsFor">Transactions of the shared database whose locks the run waits for now.</param>
/// <param name="NextSteps">The commands that make sense now.</param>
public sealed record StatusDocument(
    string TenantSlug,
    string TenantId,
    string IsolationMode,
    JsonNode? Plan,
    JsonNode? Status,
    JsonNode? CreatedAt,
    JsonNode? UpdatedAt,
    JsonNode? Isolation,
    RoutingDocument Routing,
    string? Guard,
    ActiveRun? Run,
    PromotionSection? Promotion,
    StreamSection? Stream,
    HoldSection? Hold,
    ProgressSection? Progress,
    LoadSection? Load,
    IReadOnlyList<HookSection> Hooks,
    IReadOnlyList<string> WaitsFor,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> NextSteps
)
{
    /// <summary>What a promotion did; in the result of promote only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReportSection? Report { get; init; }

    /// <summary>What was measured; in the result of promote --rehearse only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RehearsalSection? Rehearsal { get; init; }
}
