using Migrator.Connections;
using Migrator.Model;

namespace Migrator.Streaming;

/// <summary>
/// Indexes by which the stream finds the rows of keys WITHOUT OVERLAPS. While older changes are applied to newer rows, rows
/// of the source overlap that were never there at one time, so that the key itself comes later.
/// </summary>
public static class ProvisionalKeys
{
    /// <summary>Creates them; safe to repeat.</summary>
    public static Task CreateAsync(StreamDirection direction, CancellationToken cancellationToken) =>
        ExecuteAsync(
            direction,
            table =>
                $"""
                    CREATE INDEX IF NOT EXISTS {Sql.Identifier(NameOf(table))} ON {table.Name.Quoted}
                    USING gist ({Sql.Identifiers(table.Definition.Key)})
                    """,
            cancellationToken
        );

    /// <summary>Drops those that are there.</summary>
    public static Task DropAsync(StreamDirection direction, CancellationToken cancellationToken) =>
        ExecuteAsync(
            direction,
            table => $"DROP INDEX IF EXISTS {new TableName(table.Name.Schema, NameOf(table)).Quoted}",
            cancellationToken
        );

    static async Task ExecuteAsync(
        StreamDirection direction,
        Func<StreamedTable, string> statement,
        CancellationToken cancellationToken
    )
    {
        var statements = direction.Tables.Where(table => table.Definition.KeyExcludes).Select(statement).ToArray();
        if (statements.Length == 0)
            return;
        await using var target = await direction.Target.OpenConnectionAsync(cancellationToken);
        foreach (var one in statements)
            await target.ExecuteAsync(one, cancellationToken);
    }

    static string NameOf(StreamedTable table) => $"tenant_promotion_key_{table.Definition.Oid}";
}
