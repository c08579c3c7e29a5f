using System.Globalization;
using Xunit.v3;

namespace Migrator.Tests.Support;

/// <summary>
/// Runs in <c>make test</c>, and in <c>make soak</c> with servers of every version of the matrix in tests/run.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
sealed class EveryVersionAttribute : Attribute, ITraitAttribute
{
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Versions", "every")];
}

/// <summary>
/// Needs a shared server of that version at least. Runs in <c>make soak</c> alone, where the matrix has such a server.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
sealed class SinceVersionAttribute(int major) : Attribute, ITraitAttribute
{
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() =>
        [new(Soak.Category, "Newer"), new("Versions", major.ToString(CultureInfo.InvariantCulture))];
}
