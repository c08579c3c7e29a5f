using System.Text.Json.Serialization;

namespace Migrator.Model;

[JsonConverter(typeof(JsonStringEnumConverter<CheckOutcome>))]
public enum CheckOutcome
{
    Passed,
    Failed,

    /// <summary>The check could not run; the detail says what is missing.</summary>
    Skipped,

    /// <summary>A measurement, which neither passes nor fails.</summary>
    Measured,
}

/// <summary>One line of the validation table.</summary>
/// <param name="Area">Data integrity, access control, security, performance, health.</param>
public sealed record Check(
    [property: JsonPropertyName("area")] string Area,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("outcome")] CheckOutcome Outcome,
    [property: JsonPropertyName("detail")] string Detail
)
{
    public static Check Of(string area, string name, bool passed, string detail) =>
        new(area, name, passed ? CheckOutcome.Passed : CheckOutcome.Failed, detail);
}
