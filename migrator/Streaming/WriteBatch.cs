using Npgsql;

namespace Migrator.Streaming;

/// <summary>
/// Writes on their way to the target in one exchange. A statement of many rows costs hardly more than one of a single row, so writes join the one
/// that is like them, if they may pass whatever comes after it: the target ends up the same as if each had been done in its place.
/// </summary>
/// <param name="joins">Let writes join; onMissing each is a statement of its own, in the order in which it was added.</param>
/// <param name="exact">See <see cref="ChangeApplier"/>.</param>
sealed class WriteBatch(bool joins, bool exact)
{
    // How many rows a statement has: few texts, so that each is prepared once.
    static readonly int[] Sizes = [64, 8, 1];

    // The server takes 65,535 parameters.
    const int MostParameters = 16_000;

    const int LookBack = 40;

    readonly List<Group> groups = [];

    /// <summary>Adds a write; nothing where there is nothing to write.</summary>
    /// <param name="otherwise">What is returned when there was no row to write to.</param>
    public void Add(RowWrite? write, Change? onMissing = null)
    {
        if (write is null)
            return;
        var group = joins ? FindMergeable(write) : null;
        if (group is null)
            groups.Add(group = new(write.Statement));
        group.Add(write, onMissing);
    }

    /// <returns>The changes that may have found no row: each that did not, and where a statement of many rows missed one, all of that statement.</returns>
    public async Task<IReadOnlyList<Change>> ExecuteAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        if (groups.Count == 0)
            return [];
        await using var batch = new NpgsqlBatch(target);
        var parts = new List<(NpgsqlBatchCommand Command, int Rows, IEnumerable<Change> Otherwise)>();
        foreach (var group in groups)
        foreach (var (from, rows) in group.Parts())
        {
            var command = group.Command(from, rows);
            batch.BatchCommands.Add(command);
            parts.Add((command, rows, group.Otherwise(from, rows)));
        }
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return [.. parts.Where(part => part.Command.RecordsAffected < part.Rows).SelectMany(part => part.Otherwise)];
    }

    Group? FindMergeable(RowWrite write)
    {
        for (var i = groups.Count - 1; i >= Math.Max(0, groups.Count - LookBack); i--)
        {
            var group = groups[i];
            if (group.Has(write))
                return null;
            if (group.Statement == write.Statement)
                return write.Statement.IsBatchable(exact) ? group : null;
            if (!write.Statement.CommutesWith(group.Statement, exact))
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

        public IEnumerable<Change> Otherwise(int from, int rows) => onMissing.Skip(from).Take(rows).OfType<Change>();
    }
}
