using Migrator.Doctor;

namespace Migrator.Reporting;

/// <summary>What <c>doctor --json</c> prints.</summary>
/// <param name="Leftovers">The orphaned objects.</param>
/// <param name="Warnings">Servers of past promotions that could not be looked at.</param>
public sealed record DoctorDocument(
    IReadOnlyList<DoctorDocument.Entry> Leftovers,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> NextSteps
)
{
    /// <param name="Kind"><c>slot</c>, <c>publication</c>, <c>guard</c>, <c>fence</c> or <c>server</c>.</param>
    /// <param name="Server">Host and port.</param>
    /// <param name="WalBytes">WAL that the server keeps because of the object; null for all but slots.</param>
    /// <param name="Since">Since when the object has been orphaned, if that is known.</param>
    /// <param name="Removable"><c>doctor --fix</c> removes the object, or mends its triggers.</param>
    /// <param name="Removed">The object has been removed, or mended, by this run.</param>
    /// <param name="Refusal">Why the object was not removed.</param>
    public sealed record Entry(
        string Kind,
        string Name,
        string? TenantSlug,
        string Database,
        string Server,
        long? WalBytes,
        DateTime? Since,
        string Problem,
        string Remedy,
        bool Removable,
        bool Removed,
        string? Refusal
    )
    {
        public static Entry Of(OrphanedObject orphan, bool removed, string? refusal) =>
            new(
                orphan.Kind.ToString().ToLowerInvariant(),
                orphan.Name,
                orphan.Owner?.Tenant.Slug.Text,
                orphan.Place.Database,
                $"{orphan.Place.Host}:{orphan.Place.Port}",
                orphan.WalBytes,
                orphan.Since,
                orphan.Problem,
                orphan.Remedy,
                orphan.IsRemovable,
                removed,
                refusal
            );
    }
}
