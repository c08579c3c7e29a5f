namespace Migrator.Doctor;

/// <summary>The result of a search.</summary>
/// <param name="Warnings">Servers that could not be inspected, but that only past promotions name.</param>
public sealed record Diagnosis(IReadOnlyList<OrphanedObject> Orphans, IReadOnlyList<string> Warnings);
