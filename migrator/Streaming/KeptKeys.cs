using Migrator.Connections;
using Npgsql;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>
/// Keys that the target keeps as well, in the transaction of the changes: whoever goes on after a kill compares these rows,
/// and knows whether all changes have been noted since.
/// </summary>
public sealed class KeptKeys : DirtyKeys
{
    readonly Lock gate = new();
    readonly List<(StreamedTable Table, RowKey Key)> unsaved = [];

    /// <summary>Reads what an earlier run has noted.</summary>
    /// <returns>False if changes were applied whose rows nobody has noted.</returns>
    public async Task<bool> LoadAsync(
        NpgsqlConnection target,
        StreamDirection direction,
        CancellationToken cancellationToken
    )
    {
        var position = await StreamPosition.ReadAsync(target, direction.Promotion, cancellationToken);
        var noted = await target.QueryAsync<string>("SELECT lsn::text FROM tenant_promotion.noted", cancellationToken);
        if (noted is not [var lsn] || NpgsqlLogSequenceNumber.Parse(lsn) != position)
            return false;
        var tables = direction.Tables.ToDictionary(table => table.Name.ToString());
        foreach (
            var (name, key) in await target.QueryAsync<(string, string[])>(
                "SELECT table_name, key FROM tenant_promotion.touched",
                cancellationToken
            )
        )
            if (tables.TryGetValue(name, out var table))
                base.Note(table, new(key));
            else
                return false;
        return true;
    }

    /// <summary>Begins anew from the target's position on, in the caller's transaction.</summary>
    public static async Task ForgetAsync(NpgsqlConnection target, long promotion, CancellationToken cancellationToken)
    {
        await target.ExecuteAsync(
            "DELETE FROM tenant_promotion.touched; DELETE FROM tenant_promotion.noted",
            cancellationToken
        );
        var position = await StreamPosition.ReadAsync(target, promotion, cancellationToken);
        await NoteAsync(target, position, cancellationToken);
    }

    /// <summary>To be called in the transaction that brings the target to a position.</summary>
    /// <returns>To be called when that has been committed.</returns>
    internal async Task<Action> SaveAsync(
        NpgsqlConnection target,
        NpgsqlLogSequenceNumber position,
        CancellationToken cancellationToken
    )
    {
        (StreamedTable Table, RowKey Key)[] keys;
        lock (gate)
            keys = [.. unsaved];
        foreach (var table in keys.ToLookup(one => one.Table, one => one.Key.Values))
            await SaveAsync(target, table.Key, [.. table], cancellationToken);
        await NoteAsync(target, position, cancellationToken);
        return () =>
        {
            lock (gate)
                unsaved.RemoveRange(0, keys.Length);
        };
    }

    /// <inheritdoc/>
    protected override bool Note(StreamedTable table, RowKey key)
    {
        if (!base.Note(table, key))
            return false;
        lock (gate)
            unsaved.Add((table, key));
        return true;
    }

    static async Task SaveAsync(
        NpgsqlConnection target,
        StreamedTable table,
        string[][] keys,
        CancellationToken cancellationToken
    )
    {
        var columns = Enumerable.Range(0, keys[0].Length).ToArray();
        await using var command = new NpgsqlCommand(
            $"""
            INSERT INTO tenant_promotion.touched
            SELECT $1, ARRAY[{string.Join(", ", columns.Select(i => $"k{i}"))}]
            FROM unnest({string.Join(", ", columns.Select(i => $"${i + 2}::text[]"))})
                AS keys ({string.Join(", ", columns.Select(i => $"k{i}"))})
            """,
            target
        );
        command.Parameters.Add(new() { Value = table.Name.ToString() });
        foreach (var i in columns)
            command.Parameters.Add(new() { Value = keys.Select(key => key[i]).ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    static async Task NoteAsync(
        NpgsqlConnection target,
        NpgsqlLogSequenceNumber position,
        CancellationToken cancellationToken
    )
    {
        var lsn = position.ToString();
        const string Update = "UPDATE tenant_promotion.noted SET lsn = CAST(@lsn AS pg_lsn)";
        if (await target.ExecuteAsync(Update, new { lsn }, cancellationToken) == 0)
            await target.ExecuteAsync(
                "INSERT INTO tenant_promotion.noted VALUES (CAST(@lsn AS pg_lsn))",
                new { lsn },
                cancellationToken
            );
    }
}
