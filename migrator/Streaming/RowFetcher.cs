using System.Data;
using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>Fetches rows of the tenant from the source and inserts those that the target lacks.</summary>
/// <param name="snapshot">The source's snapshot to read under; null to read the source as it is now.</param>
/// <param name="touched">Where to note the keys of fetched rows.</param>
sealed class RowFetcher(
    StreamDirection direction,
    ChangeWriter writer,
    TargetState state,
    string? snapshot,
    DirtyKeys? touched
)
{
    public const int RowsPerBatch = 1_000;

    const long BytesPerBatch = 8_000_000;

    /// <param name="condition">Which rows, seen as <c>t</c>.</param>
    /// <param name="each">Called with the key of each row.</param>
    public async Task FetchAsync(
        StreamedTable table,
        string condition,
        Action<RowKey> each,
        CancellationToken cancellationToken
    )
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
        await using var reading = await BeginAsync(source, cancellationToken);
        await using var command = Select(table, condition, source);
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken);
        var (writes, count, size) = (new WriteBatch(joins: true, state), 0, 0L);
        while (await reader.ReadAsync(cancellationToken))
        {
            var (row, length) = await RowAsync(table, reader, cancellationToken);
            size += length;
            var key = table.KeyOf(row);
            each(key);
            touched?.Add(table, key, null);
            writes.Add(table.InsertMissing(row));
            if (++count % RowsPerBatch != 0 && size < BytesPerBatch)
                continue;
            await writes.ExecuteAsync(writer.Connection, cancellationToken);
            (writes, size) = (new(joins: true, state), 0);
        }
        await writes.ExecuteAsync(writer.Connection, cancellationToken);
    }

    /// <summary>The keys of the tenant's rows in the source.</summary>
    /// <param name="condition">Which rows, seen as <c>t</c>.</param>
    public async Task<IReadOnlyList<RowKey>> KeysAsync(
        StreamedTable table,
        string condition,
        CancellationToken cancellationToken
    )
    {
        await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
        await using var reading = await BeginAsync(source, cancellationToken);
        return await KeysAsync(source, table, $"{direction.IsOurs(table)} AND {condition}", cancellationToken);
    }

    /// <summary>The keys of the rows that meet a condition on <c>t</c>.</summary>
    public static async Task<IReadOnlyList<RowKey>> KeysAsync(
        NpgsqlConnection connection,
        StreamedTable table,
        string condition,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            $"SELECT {Sql.Identifiers("t", table.Definition.Key)} FROM {table.Definition.From} t WHERE {condition}",
            connection
        )
        {
            AllResultTypesAreUnknown = true,
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keys = new List<RowKey>();
        while (await reader.ReadAsync(cancellationToken))
            keys.Add(new([.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetString)]));
        return keys;
    }

    async Task<NpgsqlTransaction> BeginAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        snapshot is null
            ? await source.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken)
            : await Snapshots.BeginAsync(source, snapshot, cancellationToken);

    NpgsqlCommand Select(StreamedTable table, string condition, NpgsqlConnection source) =>
        new(
            $"""
            SELECT {Sql.Identifiers("t", table.Columns.Select(column => column.Name))}
            FROM {table.Definition.From} t WHERE {direction.IsOurs(table)} AND {condition}
            """,
            source
        )
        {
            AllResultTypesAreUnknown = true,
        };

    static async Task<(object?[] Row, long Size)> RowAsync(
        StreamedTable table,
        NpgsqlDataReader reader,
        CancellationToken cancellationToken
    )
    {
        var (row, size) = (new object?[reader.FieldCount], 0L);
        for (var i = 0; i < row.Length; i++)
        {
            if (await reader.IsDBNullAsync(i, cancellationToken))
                continue;
            var length = (int)reader.GetBytes(i, 0, null, 0, 0);
            size += length;
            row[i] =
                (length >= LargeValue.MinLength ? await LargeAsync(table, reader, i, length, cancellationToken) : null)
                ?? (object)await reader.GetFieldValueAsync<string>(i, cancellationToken);
        }
        return (row, size);
    }

    static async Task<LargeValue?> LargeAsync(
        StreamedTable table,
        NpgsqlDataReader reader,
        int i,
        int length,
        CancellationToken cancellationToken
    )
    {
        if (!LargeValue.Takes(table.Columns[i]))
            return null;
        await using var text = reader.GetStream(i);
        return await LargeValue.ReadAsync(table.Columns[i], text.ReadExactlyAsync, length, cancellationToken);
    }
}
