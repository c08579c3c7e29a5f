using Migrator.Embedded;
using Npgsql;

namespace Migrator.Tests.Support;

/// <summary>A database as it was at one moment, to hold it against what it has become.</summary>
public sealed class Snapshot : IAsyncDisposable
{
    readonly TestDatabase now;
    readonly TestDatabase then;

    Snapshot(TestDatabase now, TestDatabase then)
    {
        this.now = now;
        this.then = then;
    }

    public static async Task<Snapshot> OfAsync(TestDatabase database)
    {
        var copy = new TestDatabase(database.Cluster, Servers.NewName("then"), database.Owner);
        // A template must have no sessions, idle ones in the pool neither.
        NpgsqlConnection.ClearPool(new(database.ConnectionString()));
        NpgsqlConnection.ClearPool(new(database.ConnectionString(EmbeddedCluster.Superuser)));
        var postgres = new TestDatabase(database.Cluster, "postgres", EmbeddedCluster.Superuser);
        await postgres.ExecuteAsync($"CREATE DATABASE {copy.Name} TEMPLATE {database.Name} OWNER {database.Owner}");
        return new(database, copy);
    }

    /// <summary>
    /// What has changed since: schema, rows, sequences; the migrator's own schema and triggers apart.
    /// </summary>
    public async Task<IReadOnlyList<string>> ChangesAsync() =>
        await new DatabaseComparer(then, now).CompareAsync(await TablesAsync());

    /// <summary>What has changed since in the schema; the migrator's own schema and triggers apart.</summary>
    public async Task<IReadOnlyList<string>> SchemaChangesAsync() =>
        await new DatabaseComparer(then, now).CompareSchemasAsync();

    /// <summary>
    /// What has changed since in the rows, of those that meet the condition, of the tables that have such a column.
    /// </summary>
    public async Task<IReadOnlyList<string>> ChangedRowsAsync(IReadOnlyList<TableRows> tables)
    {
        var changed = new List<string>();
        foreach (var table in tables)
        {
            var rows =
                $"SELECT tableoid::regclass || ' ' || t::text FROM {table.Table} AS t WHERE {table.Where} ORDER BY 1";
            var (before, after) = (
                await then.QueryAsync<string>(rows, role: EmbeddedCluster.Superuser),
                await now.QueryAsync<string>(rows, role: EmbeddedCluster.Superuser)
            );
            changed.AddRange(before.Except(after).Select(row => $"{table.Table} lacks {row}"));
            changed.AddRange(after.Except(before).Select(row => $"{table.Table} has in addition {row}"));
            if (before.Count != after.Count)
                changed.Add($"{table.Table} had {before.Count} rows and has {after.Count}");
        }
        return changed;
    }

    public ValueTask DisposeAsync() => then.DisposeAsync();

    async Task<IReadOnlyList<TableRows>> TablesAsync() =>
        [
            .. (
                await then.QueryAsync<string>(
                    """
                    SELECT format('%s.%I', relnamespace::regnamespace, relname) FROM pg_class
                        WHERE relkind IN ('r', 'p', 'm') AND relispopulated AND NOT relispartition
                        AND relnamespace::regnamespace::text NOT IN ('information_schema', 'tenant_promotion')
                            AND relnamespace::regnamespace::text !~ '^pg_'
                    """,
                    role: EmbeddedCluster.Superuser
                )
            ).Select(name => new TableRows(name, "true")),
        ];
}
