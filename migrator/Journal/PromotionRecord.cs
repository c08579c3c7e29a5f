using System.Text.Json;
using System.Text.Json.Serialization;

namespace Migrator.Journal;

/// <summary>Where a promotion stands; the states of the design, spelled as the journal spells them.</summary>
public static class PromotionState
{
    public const string Preparing = "preparing";
    public const string Copying = "copying";
    public const string CatchingUp = "catching-up";
    public const string Verifying = "verifying";
    public const string CuttingOver = "cutting-over";
    public const string Isolated = "isolated";
    public const string RollingBack = "rolling-back";

    /// <summary>Rolled back: the tenant is in the shared database, the promotion is history.</summary>
    public const string Shared = "shared";

    public const string Finalized = "finalized";
}

/// <summary>Where the tenant goes.</summary>
public sealed record Target(
    [property: JsonPropertyName("host")] string Host,
    [property: JsonPropertyName("port")] int Port,
    [property: JsonPropertyName("database")] string Database
);

/// <summary>One promotion as the journal has it.</summary>
/// <param name="Run">Counts the processes that worked on it; the newest owns the isolated database.</param>
/// <param name="PauseMilliseconds">Guard closed to flip.</param>
public sealed record PromotionRecord(
    long Id,
    string TenantKey,
    string TenantSlug,
    string Mode,
    string State,
    Target Target,
    long Run,
    DateTime StartedAt,
    DateTime? EndedAt,
    double? PauseMilliseconds,
    string? Error,
    IReadOnlyList<PhaseRecord> Phases
)
{
    /// <summary>The tenant's writes are accepted by the isolated database.</summary>
    public bool IsFlipped => State is PromotionState.Isolated or PromotionState.RollingBack or PromotionState.Finalized;

    public bool IsOnline => Mode == Migrator.Phases.PromotionOptions.Online;

    public PhaseRecord? Phase(string name) => Phases.FirstOrDefault(phase => phase.Name == name);
}

/// <summary>What a phase achieved; <paramref name="EndedAt"/> is null while it is under way or was interrupted.</summary>
public sealed record PhaseRecord(string Name, DateTime StartedAt, DateTime? EndedAt, JsonElement Facts);
