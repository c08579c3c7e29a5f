using System.Text;
using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Streaming;

/// <summary>How the stream lays out a table's rows.</summary>
/// <param name="Positions">Of each column of the stream, its place in a row of the table.</param>
sealed record StreamedRelation(StreamedTable Table, int[] Positions)
{
    readonly byte[] tenant = Encoding.UTF8.GetBytes(Table.TenantKey.TrimEnd(' '));

    // Where the stream tells whose the row is; negative if the row does not tell.
    readonly int tenantColumn = Table.TenantPosition is { } position ? Array.IndexOf(Positions, position) : -1;

    /// <returns>Null if the table is not the one that the run has read.</returns>
    public static StreamedRelation? Of(IReadOnlyList<string> columns, StreamedTable table)
    {
        // What is not copied has no place in a row.
        var names = table.Columns.Select(column => column.Name).Concat(table.Table.Blank).ToList();
        int[] positions = [.. columns.Select(name => names.IndexOf(name))];
        // Rows from before a column came have null in it. With a default it would have cost the table a copy.
        var missing = Enumerable.Range(0, names.Count).Except(positions);
        return !positions.Contains(-1) && missing.All(i => i < table.Columns.Count && !table.Columns[i].NotNull)
            ? new(table, positions)
            : null;
    }

    // The reverse stream also tells of rows from before a migration that both databases have had since.
    public static MigratorException Unknown(
        IReadOnlyList<string> columns,
        StreamedTable table,
        StreamDirection direction
    )
    {
        var layout = $"{table.Name} ({string.Join(", ", columns)})";
        return direction.IsReverse
            ? StreamMessages.StreamDiverged(direction.Tenant.Slug, $"the layout was {layout}.")
            : PromotionMessages.SchemaMoved(layout);
    }

    /// <summary>A change is certainly of another tenant's row, and need not be read.</summary>
    /// <param name="change">The bytes that come after the table, as far as they are in memory.</param>
    public bool IsOfAnother(ReadOnlySpan<byte> change, bool isUpdate) =>
        tenantColumn >= 0
        && TupleView.Of(change, isUpdate).TryText(tenantColumn, out var text)
        // A key of type character(n) is filled up with blanks.
        && !text.TrimEnd((byte)' ').SequenceEqual(tenant);
}
