using Migrator.Connections;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Copying;

/// <summary>
/// Sets the isolated database's sequences. A sequence whose numbers are unique across tenants continues there in a
/// range of its own. Otherwise both sides would hand out the same ids, and a rollback could not write the rows into the
/// shared database.
/// </summary>
public static class SequenceSetter
{
    // Beyond any id that the shared side reaches, and still exact in a double (2^53), the only number that JavaScript
    // has.
    const long Stride = 1_000_000_000_000;

    // Three round trips, however many sequences: the tenant's writes may be waiting.
    public static async Task SetAsync(Databases databases, TenantScope scope, CancellationToken cancellationToken)
    {
        if (scope.Sequences.Count == 0)
            return;
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        string All(Func<Sequence, int, string> select) =>
            string.Join("\nUNION ALL ", scope.Sequences.Select((sequence, n) => $"SELECT {n}, {select(sequence, n)}"));
        var reading = shared.QueryAsync<(int Number, long Last, bool Called)>(
            All((sequence, _) => $"last_value, is_called FROM {sequence.Name.Quoted}"),
            cancellationToken
        );
        var highest = (
            await isolated.QueryAsync<(int Number, long? Highest)>(
                All(
                    (sequence, _) =>
                        FeedsSharedKey(scope, sequence)
                            ? $"(SELECT max({Sql.Identifier(sequence.OwnerColumn!)})::bigint FROM {scope[sequence.OwnerTable!.Value].Table.From})"
                            : "NULL::bigint"
                ),
                cancellationToken
            )
        ).ToDictionary(row => row.Number, row => row.Highest);
        var settings = (await reading)
            .Select(row =>
            {
                var sequence = scope.Sequences[row.Number];
                return FeedsSharedKey(scope, sequence)
                    ? (
                        sequence.Name,
                        Last: Apart(Math.Max(row.Last, highest[row.Number] ?? row.Last), sequence.Maximum),
                        Called: true
                    )
                    : (sequence.Name, row.Last, row.Called);
            })
            .ToArray();
        await isolated.ExecuteAsync(
            "SELECT setval(CAST(name AS regclass), last, called) FROM unnest(@names, @lasts, @calleds) AS given (name, last, called)",
            new
            {
                names = settings.Select(one => one.Name.Quoted).ToArray(),
                lasts = settings.Select(one => one.Last).ToArray(),
                calleds = settings.Select(one => one.Called).ToArray(),
            },
            cancellationToken
        );
    }

    /// <summary>
    /// After a rollback, moves the shared sequences past the numbers that the isolated ones have handed out since the
    /// flip.
    /// </summary>
    public static async Task BringHomeAsync(Databases databases, TenantScope scope, CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        foreach (
            var sequence in scope.Sequences.Where(sequence =>
                sequence is { Increment: > 0, Cycles: false } && !FeedsSharedKey(scope, sequence)
            )
        )
        {
            // Null: the sequence has handed out no number yet.
            if (
                await isolated.ExecuteScalarAsync<long?>(
                    $"SELECT last_value FROM {sequence.Name.Quoted} WHERE is_called",
                    cancellationToken
                )
                is not { } last
            )
                continue;
            await shared.ExecuteAsync(
                $"SELECT setval(CAST(@name AS regclass), @last) FROM {sequence.Name.Quoted} WHERE last_value < @last OR (last_value = @last AND NOT is_called)",
                new { name = sequence.Name.Quoted, last },
                cancellationToken
            );
        }
    }

    /// <summary>
    /// The number after which the isolated side continues: the next multiple of the stride, or halfway to the maximum
    /// if that is nearer.
    /// </summary>
    public static long Apart(long last, long maximum) =>
        last < maximum - 2 * Stride ? (last / Stride + 1) * Stride : last + (maximum - last) / 2;

    // A column that is unique across tenants. Where the tenant is part of the key, the two sides cannot collide.
    static bool FeedsSharedKey(TenantScope scope, Sequence sequence) =>
        sequence is { OwnerTable: { } table, OwnerColumn: not null, Increment: > 0, Cycles: false }
        && scope.Tables.FirstOrDefault(scoped => scoped.Name == table) is { IsTenantData: true } owner
        && sequence.UniqueWith.Any(columns =>
            owner.Scope != TableScope.Direct || !columns.Contains(scope.TenantColumn(owner).Name)
        );
}
