using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Copying;

/// <summary>
/// Sets the isolated database's sequences. A sequence whose numbers may be unique across tenants continues there in a
/// range of its own. Otherwise both sides would hand out the same ids, and a rollback could not write the rows into the
/// shared database.
/// </summary>
public static class SequenceSetter
{
    // Beyond any id that the shared side reaches, and still exact in a double (2^53), the only number that JavaScript
    // has.
    const long Stride = 1_000_000_000_000;

    // Statements of one batch: enough that the round trips do not count, few enough to be cancelled soon.
    const int BatchSize = 300;

    /// <summary>
    /// The highest number in the isolated database's rows, for each sequence that goes apart and feeds a known column.
    /// Explicit ids may lie beyond the shared sequence. Read before the pause.
    /// </summary>
    public static async Task<IReadOnlyDictionary<TableName, long>> HighestAsync(
        Databases databases,
        TenantScope scope,
        CancellationToken cancellationToken
    )
    {
        var fed = scope.Sequences.Where(sequence => GoesApart(scope, sequence) && FeedsInteger(scope, sequence));
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var highest = new Dictionary<TableName, long>();
        await ReadEachAsync(
            isolated,
            [.. fed],
            sequence =>
                $"SELECT max({Sql.Identifier(sequence.OwnerColumn!)})::bigint FROM {scope[sequence.OwnerTable!.Value].Table.From}",
            (sequence, row) =>
            {
                if (!row.IsDBNull(0))
                    highest[sequence.Name] = row.GetInt64(0);
            },
            cancellationToken
        );
        return highest;
    }

    /// <summary>Sets every sequence; the tenant's writes may be waiting.</summary>
    /// <param name="promotion">
    /// Its number chooses the range: no two promotions from one shared database share a range, so the rows of all of
    /// them can come home.
    /// </param>
    public static async Task SetAsync(
        Databases databases,
        TenantScope scope,
        long promotion,
        IReadOnlyDictionary<TableName, long> highest,
        CancellationToken cancellationToken
    )
    {
        if (scope.Sequences.Count == 0)
            return;
        IReadOnlyDictionary<TableName, (long Last, bool Called)> states;
        await using (var shared = await databases.Shared.OpenConnectionAsync(cancellationToken))
            states = await StatesAsync(shared, scope.Sequences, cancellationToken);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        await SetAsync(
            isolated,
            scope.Sequences.Select(sequence =>
            {
                var (last, called) = states[sequence.Name];
                return GoesApart(scope, sequence)
                    ? (
                        sequence.Name,
                        Apart(last, highest.GetValueOrDefault(sequence.Name, last), sequence.Maximum, promotion),
                        true
                    )
                    : (sequence.Name, last, called);
            }),
            cancellationToken
        );
    }

    /// <summary>
    /// After a rollback, moves the shared sequences past the numbers that the isolated ones have handed out since the
    /// flip.
    /// </summary>
    public static async Task BringHomeAsync(Databases databases, TenantScope scope, CancellationToken cancellationToken)
    {
        var plain = scope
            .Sequences.Where(sequence => sequence is { Increment: > 0, Cycles: false } && !GoesApart(scope, sequence))
            .ToArray();
        if (plain.Length == 0)
            return;
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        var here = await StatesAsync(shared, plain, cancellationToken);
        var there = await StatesAsync(isolated, plain, cancellationToken);
        await SetAsync(
            shared,
            plain
                .Where(sequence =>
                    there[sequence.Name].Called && there[sequence.Name].CompareTo(here[sequence.Name]) > 0
                )
                .Select(sequence => (sequence.Name, there[sequence.Name].Last, true)),
            cancellationToken
        );
    }

    /// <summary>
    /// The number after which the isolated side continues: the start of the promotion's own range beyond all numbers so
    /// far, or halfway to the maximum where there is no room for ranges.
    /// </summary>
    public static long Apart(long last, long highest, long maximum, long promotion)
    {
        var range = Math.Max(last / Stride + promotion, highest / Stride + 1);
        var beyond = Math.Max(last, highest);
        return range < maximum / Stride - 1 ? range * Stride : beyond + (maximum - beyond) / 2;
    }

    // Known to count per tenant: it feeds one column of tenant data, and wherever that column is unique, the tenant is
    // part of the key. Any other sequence may number rows of all tenants, called by the application or by a trigger.
    static bool GoesApart(TenantScope scope, Sequence sequence) =>
        sequence is { Increment: > 0, Cycles: false }
        && !(
            sequence is { FedColumns: 1, OwnerTable: { } table, OwnerColumn: not null }
            && scope.Tables.FirstOrDefault(scoped => scoped.Name == table) is { IsTenantData: true } owner
            && sequence.UniqueWith.All(columns =>
                owner.Scope == TableScope.Direct && columns.Contains(owner.TenantColumn.Name)
            )
        );

    static bool FeedsInteger(TenantScope scope, Sequence sequence) =>
        sequence is { OwnerTable: { } table, OwnerColumn: { } column }
        && scope.Tables.FirstOrDefault(scoped => scoped.Name == table) is { IsCopied: true } owner
        && owner.Table.Column(column) is { TypeText: "smallint" or "integer" or "bigint" };

    // pg_sequence_last_value tells of all sequences at once, but nothing of one that has handed out no number yet.
    static async Task<IReadOnlyDictionary<TableName, (long Last, bool Called)>> StatesAsync(
        NpgsqlConnection connection,
        IReadOnlyList<Sequence> sequences,
        CancellationToken cancellationToken
    )
    {
        var lasts = await connection.QueryAsync<long?>(
            """
            SELECT pg_sequence_last_value(CAST(name AS regclass))
            FROM unnest(@names) WITH ORDINALITY AS given (name, place) ORDER BY place
            """,
            new { names = sequences.Select(sequence => sequence.Name.Quoted).ToArray() },
            cancellationToken
        );
        var states = sequences
            .Zip(lasts)
            .Where(pair => pair.Second is not null)
            .ToDictionary(pair => pair.First.Name, pair => (pair.Second!.Value, true));
        await ReadEachAsync(
            connection,
            [.. sequences.Where(sequence => !states.ContainsKey(sequence.Name))],
            sequence => $"SELECT last_value, is_called FROM {sequence.Name.Quoted}",
            (sequence, row) => states[sequence.Name] = (row.GetInt64(0), row.GetBoolean(1)),
            cancellationToken
        );
        return states;
    }

    // One short statement a sequence: the planner needs quadratic time for a single statement over all of them.
    static async Task ReadEachAsync(
        NpgsqlConnection connection,
        Sequence[] sequences,
        Func<Sequence, string> select,
        Action<Sequence, NpgsqlDataReader> read,
        CancellationToken cancellationToken
    )
    {
        foreach (var piece in sequences.Chunk(BatchSize))
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var sequence in piece)
                batch.BatchCommands.Add(new(select(sequence)));
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            foreach (var sequence in piece)
            {
                await reader.ReadAsync(cancellationToken);
                read(sequence, reader);
                await reader.NextResultAsync(cancellationToken);
            }
        }
    }

    static Task SetAsync(
        NpgsqlConnection connection,
        IEnumerable<(TableName Name, long Last, bool Called)> settings,
        CancellationToken cancellationToken
    )
    {
        var all = settings.ToArray();
        return connection.ExecuteAsync(
            """
            SELECT setval(CAST(name AS regclass), last, called)
            FROM unnest(@names, @lasts, @calleds) AS given (name, last, called)
            """,
            new
            {
                names = all.Select(one => one.Name.Quoted).ToArray(),
                lasts = all.Select(one => one.Last).ToArray(),
                calleds = all.Select(one => one.Called).ToArray(),
            },
            cancellationToken
        );
    }
}
