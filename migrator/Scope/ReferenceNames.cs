using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Scope;

/// <summary>Which rows of a reference table only other tenants' rows name. They are copied all the same.</summary>
public sealed class ReferenceNames(TenantScope scope, TenantId tenant)
{
    /// <summary>The foreign keys by which rows of tenants, or rows that they share, name rows of a reference table.</summary>
    public IReadOnlyList<ForeignKey> KeysInto(ScopedTable reference) =>
        [
            .. scope.ForeignKeys.Where(key =>
                key.To == reference.Name && (scope[key.From].IsTenantData || scope[key.From].IsByReference)
            ),
        ];

    /// <summary>
    /// A query of one number: the rows that rows of others name by one of <paramref name="keys"/>, and no row of the
    /// tenant by any key. Null without a key.
    /// </summary>
    /// <remarks>One branch for each key: PostgreSQL joins each EXISTS, and would scan again for each row below an OR.</remarks>
    public string? OfOthers(ScopedTable reference, IReadOnlyList<ForeignKey> keys)
    {
        if (keys.Count == 0)
            return null;
        var ours = KeysInto(reference).Select(key => $"NOT {Named(key, "IS TRUE")}").ToArray();
        var branches = keys.Select(key =>
            $"SELECT t.tableoid, t.ctid FROM {reference.Table.From} t "
            + $"WHERE {string.Join(" AND ", ours.Prepend(Named(key, "IS NOT TRUE")))}"
        );
        return $"SELECT count(*) FROM ({string.Join(" UNION ", branches)}) theirs";
    }

    /// <summary>The rows that rows of others name, and no row of the tenant.</summary>
    public async Task<long> CountOfOthersAsync(
        NpgsqlConnection shared,
        ScopedTable reference,
        CancellationToken cancellationToken
    ) =>
        OfOthers(reference, KeysInto(reference)) is { } query
            ? await shared.ExecuteScalarAsync<long>(query, cancellationToken)
            : 0;

    /// <summary>The rows that no row of the tenant names.</summary>
    public Task<long> CountUnnamedAsync(
        NpgsqlConnection connection,
        ScopedTable reference,
        CancellationToken cancellationToken
    )
    {
        var named = KeysInto(reference).Select(key => $"NOT {Named(key, "IS TRUE")}").ToArray();
        return connection.ExecuteScalarAsync<long>(
            $"SELECT count(*) FROM {reference.Table.From} t WHERE {All(named)}",
            cancellationToken
        );
    }

    static string All(string[] conditions) => conditions.Length == 0 ? "true" : string.Join(" AND ", conditions);

    string Named(ForeignKey key, string verdict)
    {
        var from = scope[key.From];
        return $"EXISTS (SELECT FROM {from.Table.From} c WHERE {key.Join("c", "t")} "
            + $"AND ({scope.Condition(from, "c", tenant)}) {verdict})";
    }
}
