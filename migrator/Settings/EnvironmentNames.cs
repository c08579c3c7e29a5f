using System.Collections;

namespace Migrator.Settings;

/// <summary>Environment variables that look like settings and are none: a misspelt one would be without effect.</summary>
static class EnvironmentNames
{
    // Read elsewhere than in a settings file.
    static readonly string[] Others = ["SOURCE", "TARGET", "APPLICATION_PASSWORD", "DRY_RUN_ONLY"];

    /// <param name="hooks">The variables of their secrets may have any name.</param>
    public static IReadOnlyList<string> Unknown(IEnumerable<Hook> hooks) =>
        [
            .. Environment
                .GetEnvironmentVariables()
                .Cast<DictionaryEntry>()
                .Select(one => (string)one.Key)
                .Where(name => name.StartsWith(MigratorSettings.Prefix, StringComparison.OrdinalIgnoreCase))
                .Except(hooks.Select(hook => hook.Secret).OfType<string>())
                .Where(name => !IsKnown(name[MigratorSettings.Prefix.Length..]))
                .Order(StringComparer.Ordinal),
        ];

    static bool IsKnown(string name)
    {
        var parts = name.Split("__");
        return Others.Contains(name, StringComparer.OrdinalIgnoreCase)
            || TenancyFile.TakesVariable(
                parts[0].ToLowerInvariant(),
                [.. parts[1..].Select(part => part.ToLowerInvariant())]
            );
    }
}
