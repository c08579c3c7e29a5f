namespace Migrator.Streaming;

/// <summary>Reads the rows of a message.</summary>
sealed class RowReader(LogicalMessage message)
{
    /// <summary>How many bytes the rows had that were read.</summary>
    public long Size { get; private set; }

    /// <summary>Reads a row that comes next; a value that the change has left out is <see cref="Change.Unchanged"/>.</summary>
    public async ValueTask<object?[]> ReadAsync(StreamedRelation relation, CancellationToken cancellationToken)
    {
        await message.EnsureAsync(sizeof(short), cancellationToken);
        if (message.Int16() != relation.Positions.Length)
            throw new FormatException($"A row of {relation.Table.Name} has another number of columns than was told.");
        var row = new object?[relation.Table.Columns.Count];
        foreach (var position in relation.Positions)
        {
            await message.EnsureAsync(1 + sizeof(int), cancellationToken);
            object? value = message.Kind() switch
            {
                'n' => null,
                'u' => Change.Unchanged,
                't' => await ValueAsync(relation.Table, position, message.Int32(), cancellationToken),
                _ => throw new FormatException("A value is neither text nor null."),
            };
            if (position < row.Length)
                row[position] = value;
        }
        return row;
    }

    async ValueTask<object?> ValueAsync(
        StreamedTable table,
        int position,
        int length,
        CancellationToken cancellationToken
    )
    {
        if (position >= table.Columns.Count)
        {
            await message.PassAsync(length, cancellationToken);
            return null;
        }
        Size += length;
        var large =
            length >= LargeValue.MinLength
                ? await LargeValue.ReadAsync(
                    table.Columns[position],
                    message.ReadExactlyAsync,
                    length,
                    cancellationToken
                )
                : null;
        return large ?? (object)await message.TextAsync(length, cancellationToken);
    }
}
