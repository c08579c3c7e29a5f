using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// Writes that reach the target in one exchange. A statement of many rows costs hardly more than a statement of one
/// row. So a write is merged into an earlier statement of the same text if it commutes with every write in between; the
/// target ends up as if the writes had run in order.
/// </summary>
/// <param name="joins">
/// Merge writes; otherwise each is a statement of its own, in the order in which they were added.
/// </param>
sealed class WriteBatch(bool joins, TargetState state)
{
    // Rows per statement: few different texts, so that each is prepared once.
    static readonly int[] Sizes = [64, 8, 1];

    // The server takes 65,535 parameters.
    const int MostParameters = 16_000;

    const int LookBack = 40;

    readonly List<Group> groups = [];

    /// <summary>Adds a write, or nothing if that is null.</summary>
    /// <param name="onMissing">The change to return when there is no row to write to.</param>
    public void Add(RowWrite? write, Change? onMissing = null)
    {
        if (write is null)
            return;
        var group = joins ? FindMergeable(write) : null;
        if (group is null)
            groups.Add(group = new(write.Statement));
        group.Add(write, onMissing);
    }

    /// <returns>
    /// The changes that may have found no row. Where a statement of many rows missed one of them, these are all changes
    /// of the statement.
    /// </returns>
    public async Task<IReadOnlyList<Change>> ExecuteAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        if (groups.Count == 0)
            return [];
        await using var batch = new NpgsqlBatch(target);
        var parts = new List<(NpgsqlBatchCommand Command, int Rows, IEnumerable<Change> OnMissing)>();
        foreach (var group in groups)
        foreach (var (from, rows) in group.Parts())
        {
            var command = group.Command(from, rows);
            batch.BatchCommands.Add(command);
            parts.Add((command, rows, group.OnMissing(from, rows)));
        }
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return [.. parts.Where(part => part.Command.RecordsAffected < part.Rows).SelectMany(part => part.OnMissing)];
    }

    Group? FindMergeable(RowWrite write)
    {
        for (var i = groups.Count - 1; i >= Math.Max(0, groups.Count - LookBack); i--)
        {
            var group = groups[i];
            if (group.Has(write))
                return null;
            if (group.Statement == write.Statement)
                return write.Statement.IsBatchable(state) ? group : null;
            if (!write.Statement.CommutesWith(group.Statement, state))
                return null;
        }
        return null;
    }

    sealed class Group(RowStatement statement)
    {
        readonly List<RowWrite> writes = [];
        readonly List<Change?> onMissing = [];
        readonly HashSet<RowKey> keys = [];

        public RowStatement Statement => statement;

        public void Add(RowWrite write, Change? change)
        {
            writes.Add(write);
            onMissing.Add(change);
            keys.Add(write.Key);
        }

        public bool Has(RowWrite write) => write.Statement.Table == statement.Table && keys.Contains(write.Key);

        public IEnumerable<(int From, int Rows)> Parts()
        {
            var from = 0;
            foreach (var size in Sizes.Where(size => size == 1 || size * writes[0].Values.Length <= MostParameters))
                for (; writes.Count - from >= size; from += size)
                    yield return (from, size);
        }

        public NpgsqlBatchCommand Command(int from, int rows) =>
            statement.Command(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(writes).Slice(from, rows));

        public IEnumerable<Change> OnMissing(int from, int rows) => onMissing.Skip(from).Take(rows).OfType<Change>();
    }
}
