using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Migrator.Tests.Support;

/// <summary>
/// What <c>make test</c> leaves to <c>make soak</c>: whole sweeps and long histories, of which it runs a part. Each is
/// listed in CONTRIBUTING.md with its reason.
/// </summary>
static class Soak
{
    public const string Category = "Category";

    /// <summary>The value of <see cref="Category"/> by which tests/run leaves a test out, or takes it alone.</summary>
    public const string Name = "Soak";

    /// <summary>Cases of which only some are for every run.</summary>
    public static IEnumerable<TheoryDataRow<T>> Sweep<T>(IEnumerable<T> cases, IReadOnlyCollection<T> always) =>
        cases.Select(one => always.Contains(one) ? new TheoryDataRow<T>(one) : Row(one));

    /// <summary>A number of rounds for every run, and a larger one for the soak.</summary>
    public static TheoryData<int> Rounds(int always, int soak) => [new TheoryDataRow<int>(always), Row(soak)];

    /// <summary>A case that is for the soak alone.</summary>
    public static TheoryDataRow<T> Row<T>(T one) => new TheoryDataRow<T>(one).WithTrait(Category, Name);
}

/// <summary>Like <see cref="InlineDataAttribute"/>, for the soak alone.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
sealed class SoakDataAttribute(params object?[] data) : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
        MethodInfo testMethod,
        DisposalTracker disposalTracker
    ) => new([new TheoryDataRow(data).WithTrait(Soak.Category, Soak.Name)]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
