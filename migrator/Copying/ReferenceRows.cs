using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Copying;

/// <summary>
/// Rows of reference and shared tables, and everybody's rows, that were made in the isolated database and that the tenant's rows refer
/// to: without them the tenant's rows could not come home.
/// </summary>
/// <param name="requireCurrentRun">Called in each transaction; fails when a newer run has taken over.</param>
public sealed class ReferenceRows(
    Databases databases,
    TenantScope scope,
    Tenant tenant,
    Func<NpgsqlConnection, CancellationToken, Task> requireCurrentRun,
    TimeProvider clock
)
{
    const string Stage = "tenant_promotion_reference";

    /// <summary>Inserts the rows that the shared database lacks, by key; changes none that it has.</summary>
    public Task BringHomeAsync(CancellationToken cancellationToken) =>
        BringHomeAsync(new Dictionary<TableName, string>(), cancellationToken);

    /// <summary><see cref="BringHomeAsync(CancellationToken)"/>, and rows that the tenant's rows have named for a while.</summary>
    /// <param name="others">Conditions on rows, seen as <c>t</c>, by their table.</param>
    public async Task BringHomeAsync(IReadOnlyDictionary<TableName, string> others, CancellationToken cancellationToken)
    {
        foreach (var table in scope.CopiedTables)
        {
            if (scope.ComesAlong(table, "t") is not { } along || table.Table.Key.Count == 0)
                continue;
            var keys = scope.ForeignKeys.Where(key => key.To == table.Name && scope[key.From].IsTenantData).ToArray();
            var named = table.Scope == TableScope.Shared ? scope.Condition(table, "t", tenant.Id) : "false";
            if (others.TryGetValue(table.Name, out var which))
                named = $"{named} OR {which}";
            if (keys.Length > 0 || table.Scope == TableScope.Shared)
                await BringHomeAsync(table.Table, along, named, keys, cancellationToken);
        }
    }

    async Task BringHomeAsync(
        TableDefinition table,
        string along,
        string named,
        IReadOnlyList<ForeignKey> keys,
        CancellationToken cancellationToken
    )
    {
        await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await TableLock.RunAsync(
            shared,
            table.Name,
            token => InsertAsync(isolated, shared, table, $"{along} AND ({Referred(keys, named)})", token),
            clock,
            cancellationToken
        );
    }

    async Task<int> InsertAsync(
        NpgsqlConnection isolated,
        NpgsqlConnection shared,
        TableDefinition table,
        string which,
        CancellationToken cancellationToken
    )
    {
        await requireCurrentRun(shared, cancellationToken);
        var create = $"CREATE TEMPORARY TABLE {Stage} ON COMMIT DROP AS SELECT * FROM {table.From} WHERE false";
        await shared.ExecuteAsync(create, cancellationToken);
        await ConstraintLifting.WithoutDomainsAsync(
            shared,
            table.Name,
            () =>
                RawCopy.StreamAsync(
                    isolated,
                    RawCopy.Out(table, table.From, which),
                    shared,
                    RawCopy.In(table, Stage),
                    null,
                    cancellationToken
                ),
            cancellationToken
        );
        // Whoever may put a trigger on such a table may be nobody of the tenant's.
        return await TriggerDisabling.WithoutTriggersAsync(
            shared,
            [table.Name],
            () => InsertMissingAsync(shared, table, cancellationToken),
            cancellationToken
        );
    }

    // By a row of the tenant, or by the rule of the table itself.
    string Referred(IReadOnlyList<ForeignKey> keys, string named) =>
        string.Join(
            " OR ",
            keys.Select(key => $"EXISTS (SELECT FROM {scope[key.From].Table.From} r WHERE {key.Join("r", "t")})")
                .Append(named)
        );

    static Task<int> InsertMissingAsync(
        NpgsqlConnection shared,
        TableDefinition table,
        CancellationToken cancellationToken
    )
    {
        var columns = RawCopy.Columns(table);
        var sameKey = table
            .Key.Select(name => table.Column(name)!)
            .Select(column => $"t.{Sql.Identifier(column.Name)} {column.Equality} s.{Sql.Identifier(column.Name)}");
        return shared.ExecuteAsync(
            $"""
            INSERT INTO {table.Name.Quoted} ({columns}) OVERRIDING SYSTEM VALUE
            SELECT {columns} FROM {Stage} s
            WHERE NOT EXISTS (SELECT FROM {table.From} t WHERE {string.Join(" AND ", sameKey)})
            ON CONFLICT DO NOTHING
            """,
            cancellationToken
        );
    }
}
