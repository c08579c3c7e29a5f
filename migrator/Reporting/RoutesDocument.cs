using Migrator.Model;

namespace Migrator.Reporting;

/// <summary>What <c>routes --json</c> prints: the routing document, and what to do next.</summary>
public sealed record RoutesDocument(
    string TenantSlug,
    string IsolationMode,
    RoutingDatabase Database,
    RoutingEndpoints Endpoints,
    IReadOnlyList<string> NextSteps
);
