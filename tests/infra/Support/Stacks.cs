using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

// Settings and the running deployment belong to the process.
[assembly: Parallelization(Mode = ParallelMode.None)]

namespace Infra.Tests.Support;

/// <summary>Runs a test for each of the recorded stacks.</summary>
sealed class StacksAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
        MethodInfo testMethod,
        DisposalTracker disposalTracker
    ) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([
            .. StackFiles.Stacks.Select(stack => new TheoryDataRow<string>(stack)),
        ]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
