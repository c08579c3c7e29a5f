using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Streaming;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Copying;

/// <summary>Brings the rows of the buckets that differ from the isolated database to the shared one.</summary>
sealed class StageLoader(Comparison comparison, TenantScope scope, Tenant tenant)
{
    // Short transactions: while the application's triggers are off, other tenants' writers of the table wait.
    const int RowsPerTransaction = 5_000;

    public async Task<ReconcilerStage> LoadAsync(
        NpgsqlConnection shared,
        NpgsqlConnection isolated,
        ScopedTable table,
        int number,
        CancellationToken cancellationToken
    )
    {
        var name = $"pg_temp.tenant_promotion_{number}";
        var hasKey = table.Table.Key.Count > 0;
        var buckets = hasKey ? await comparison.DifferingBucketsAsync(shared, isolated, table, cancellationToken) : [];
        var arrived = scope.Arrived(table, "t");
        var which = hasKey ? $"{arrived} AND {Comparison.InBuckets(table.Table, "t", buckets)}" : arrived;
        await CreateAsync(shared, table, number, cancellationToken);
        await FillAsync(isolated, shared, table, which, name, cancellationToken);
        await RequireOursAsync(shared, table, name, cancellationToken);
        var index = hasKey ? $"CREATE INDEX ON {name} ({Sql.Identifiers(table.Table.Key)}); " : "";
        await shared.ExecuteAsync($"{index}ANALYZE {name}", cancellationToken);
        var staged = await shared.ExecuteScalarAsync<long>($"SELECT count(*) FROM {name}", cancellationToken);
        var stage = new ReconcilerStage(
            table,
            name,
            scope.Condition(table, "t", tenant.Id),
            Batches(buckets, staged),
            SetsIdentities: false,
            ParkableColumns: [],
            Surplus: hasKey && scope.MayLackAncestors(table) ? $"{name}_surplus" : null,
            MayBeOurs: scope.MayBeOurs(table, "t", tenant.Id)
        );
        if (stage.Surplus is not null)
            await shared.ExecuteAsync(stage.NoteSurplus, cancellationToken);
        var setsIdentities =
            stage.HasOtherIdentities is { } query && await shared.ExecuteScalarAsync<bool>(query, cancellationToken);
        return stage with { SetsIdentities = setsIdentities, ParkableColumns = ParkableColumns(table, setsIdentities) };
    }

    // A key may have a generated column, which the temporary table computes as well.
    static Task CreateAsync(NpgsqlConnection shared, ScopedTable table, int number, CancellationToken cancellationToken)
    {
        var definition = table.Table.Key.Any(key => table.Table.Column(key)!.Generated)
            ? $"(LIKE {table.Name.Quoted} INCLUDING GENERATED)"
            : $"AS SELECT {RawCopy.Columns(table.Table)} FROM {table.Table.From} LIMIT 0";
        return shared.ExecuteAsync($"CREATE TEMPORARY TABLE tenant_promotion_{number} {definition}", cancellationToken);
    }

    static async Task FillAsync(
        NpgsqlConnection isolated,
        NpgsqlConnection shared,
        ScopedTable table,
        string which,
        string name,
        CancellationToken cancellationToken
    )
    {
        await using var transaction = await shared.BeginTransactionAsync(cancellationToken);
        await ConstraintLifting.WithoutDomainsAsync(
            shared,
            table.Name,
            () =>
                RawCopy.StreamAsync(
                    isolated,
                    RawCopy.Out(table.Table, table.Table.From, which),
                    shared,
                    RawCopy.In(table.Table, name),
                    null,
                    cancellationToken
                ),
            cancellationToken
        );
        await transaction.CommitAsync(cancellationToken);
    }

    // Columns whose unique values may be replaced for a while: not the key, by which the row is found, and not what tells
    // whose the row is.
    static IReadOnlyList<Column> ParkableColumns(ScopedTable table, bool setsIdentities) =>
        [
            .. table
                .Table.Unique.Select(name => table.Table.Column(name)!)
                .Where(column =>
                    !column.Generated
                    && (setsIdentities || !column.AlwaysIdentity)
                    && !table.Table.Key.Contains(column.Name)
                    && !TellsWhose(table, column)
                ),
        ];

    static bool TellsWhose(ScopedTable table, Column column) =>
        table.Claims is not [{ Step.IsDeclared: true }]
        && table.Claims.SelectMany(claim => claim.Columns).Contains(column.Name);

    // By the shared database's rows: a row may have come under a key that is another tenant's there.
    async Task RequireOursAsync(
        NpgsqlConnection shared,
        ScopedTable table,
        string name,
        CancellationToken cancellationToken
    )
    {
        var others = await shared.QueryAsync<string>(
            $"""
            SELECT {InwardReferences.Label(table, "s")} FROM {name} s
            WHERE ({scope.MayBeOurs(table, "s", tenant.Id)}) IS NOT TRUE LIMIT 5
            """,
            cancellationToken
        );
        if (others.Count > 0)
            throw RollbackMessages.RowsBelowOthers(tenant.Slug, table.Name, others);
    }

    // A table without a key is one batch: nothing divides its rows.
    static IReadOnlyList<IReadOnlyList<int>> Batches(IReadOnlyList<int> buckets, long rows) =>
        buckets.Count == 0
            ?
            [
                [],
            ]
            :
            [
                .. buckets.Chunk(
                    (int)Math.Clamp(RowsPerTransaction * buckets.Count / Math.Max(rows, 1), 1, buckets.Count)
                ),
            ];
}
