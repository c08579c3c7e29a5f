using Migrator.Journal;
using Migrator.Model;
using Migrator.Schema;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>The result of preflight: all faults at once, and warnings.</summary>
/// <param name="Plan">The tables to copy; empty if there are faults.</param>
/// <param name="Unowned">What is copied of reference and shared tables; empty if there are faults.</param>
public sealed record PreflightResult(
    Tenant Tenant,
    TenantScope Scope,
    PgTools? Tools,
    PreflightFacts Facts,
    IReadOnlyList<string> Faults,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<PlannedTable> Plan,
    IReadOnlyList<UnownedRows> Unowned
);
