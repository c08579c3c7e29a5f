using System.Text.Json;

namespace Migrator.Journal;

/// <summary>The facts that phases leave in the journal.</summary>
public static class PhaseData
{
    /// <summary>The facts; null if the phase has not recorded any yet.</summary>
    public static T? Read<T>(JsonElement facts)
        where T : class => facts.EnumerateObject().Any() ? facts.Deserialize<T>() : null;
}
