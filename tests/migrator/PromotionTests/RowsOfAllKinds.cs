using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// Tables whose rows are hard to bring home: circles of references, unique values that change places, partitions, and
/// triggers that stamp and that write history on both sides. What they wrote in the isolated database comes home, and
/// the coming home itself must not set them off.
/// </summary>
static class RowsOfAllKinds
{
    public static string Schema { get; } = EmbeddedSql.Read("rows-of-all-kinds.sql");

    /// <summary>The rows of the tenant that moves.</summary>
    public static IReadOnlyList<TableRows> OfAcme { get; } = Where("= 1");

    /// <summary>All rows of others.</summary>
    public static IReadOnlyList<TableRows> OfOthers { get; } = Where("IS DISTINCT FROM 1");

    static IReadOnlyList<TableRows> Where(string condition) =>
        [
            new("public.tenants", $"id {condition}"),
            .. ((string[])["notes", "pins", "lists", "items", "loose", "days", "history"]).Select(
                table => new TableRows($"public.{table}", $"tenant_id {condition}")
            ),
            new("public.remarks", $"note_id IN (SELECT id FROM public.notes WHERE tenant_id {condition})"),
        ];
}
