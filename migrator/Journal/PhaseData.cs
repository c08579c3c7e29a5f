using System.Text.Json;

namespace Migrator.Journal;

/// <summary>Facts as phases leave them in the journal.</summary>
public static class PhaseData
{
    /// <summary>The facts, or null where the phase has not noted any yet.</summary>
    public static T? Read<T>(JsonElement facts)
        where T : class => facts.EnumerateObject().Any() ? facts.Deserialize<T>() : null;
}
