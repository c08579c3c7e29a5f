using System.Reflection;

namespace Migrator.Telemetry;

/// <summary>By what name metrics and traces are found.</summary>
static class Instruments
{
    public const string Name = "TenantPromotion.Migrator";

    public const string Tenant = "tenant";
    public const string Verb = "verb";
    public const string Phase = "phase";

    public static string? Version { get; } =
        typeof(Instruments).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
}
