using Migrator.Journal;
using Migrator.Model;
using Migrator.Schema;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>What Preflight found: everything that stands in the way, at once, and what a person should know besides.</summary>
/// <param name="Plan">The tables that would be copied; empty where faults were found.</param>
public sealed record PreflightResult(
    Tenant Tenant,
    TenantScope Scope,
    PgTools? Tools,
    PreflightFacts Facts,
    IReadOnlyList<string> Faults,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<PlannedTable> Plan
);
