using System.Reflection;

[assembly: AssemblyFixture(typeof(Infra.Tests.Support.SdkBanner))]

namespace Infra.Tests.Support;

/// <summary>Says once a run which SDK the infra sources ran on.</summary>
public sealed class SdkBanner
{
    public static string Sdk { get; } =
        typeof(SdkBanner)
            .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == "PulumiSdk")
            .Value!;

    public SdkBanner() =>
        Console.WriteLine($"infra runs on the {Sdk} Pulumi SDK: {typeof(Pulumi.Deployment).Assembly.GetName()}");
}
