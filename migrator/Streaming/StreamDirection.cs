using Migrator.Governing;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>One of the two directions of the stream: forward from the shared database, or reverse to it.</summary>
public sealed class StreamDirection
{
    readonly StreamContext context;

    StreamDirection(StreamContext context, bool reverse, string name, IEnumerable<ScopedTable> tables)
    {
        this.context = context;
        IsReverse = reverse;
        Name = name;
        Tables =
        [
            .. tables
                .Where(table => table.IsStreamed)
                .Select(table => new StreamedTable(table, context.Scope, context.Tenant, reverse)),
        ];
    }

    public Tenant Tenant => context.Tenant;

    public long Promotion => context.Promotion;

    public IPromotionProgress Progress => context.Progress;

    public Governor Governor => context.Governor;

    public TimeProvider Clock => context.Clock;

    /// <summary>The name of slot and publication.</summary>
    public string Name { get; }

    /// <summary>Every row of the source is the tenant's, and only some rows of the target are.</summary>
    public bool IsReverse { get; }

    /// <summary>The tables of the stream, parents first.</summary>
    public IReadOnlyList<StreamedTable> Tables { get; }

    public NpgsqlDataSource Source => IsReverse ? context.Databases.Isolated : context.Databases.Shared;

    public NpgsqlDataSource Target => IsReverse ? context.Databases.Shared : context.Databases.Isolated;

    /// <summary>The source as a role that may replicate.</summary>
    public NpgsqlConnectionStringBuilder SourceReplication =>
        IsReverse ? context.Databases.IsolatedReplication : context.Databases.SharedReplication;

    /// <summary>The source as a role that may have replication slots.</summary>
    NpgsqlDataSource SourceSlots => IsReverse ? context.Databases.IsolatedSlots : context.Databases.SharedSlots;

    public NpgsqlConnectionStringBuilder TargetServer =>
        IsReverse ? context.Databases.SharedServer : context.Databases.IsolatedServer;

    /// <summary>Out of the shared database: the tenant's rows, and the reference and shared tables that they refer to.</summary>
    public static StreamDirection Forward(StreamContext context) =>
        new(
            context,
            reverse: false,
            StreamNames.Forward(context.Databases.SharedServer.Database!, context.Tenant),
            context.Scope.CopiedTables.Where(table => !table.IsTenantData).Concat(context.Scope.ParentsFirst())
        );

    /// <summary>Out of the isolated database, since the flip.</summary>
    public static StreamDirection Reverse(StreamContext context) =>
        new(
            context,
            reverse: true,
            StreamNames.Reverse(context.Databases.SharedServer.Database!, context.Tenant),
            context.Scope.ParentsFirst()
        );

    /// <summary>Drops slots and publications of both directions.</summary>
    public static async Task RemoveAllAsync(StreamContext context, CancellationToken cancellationToken)
    {
        foreach (var direction in (StreamDirection[])[Forward(context), Reverse(context)])
            await direction.RemoveAsync(cancellationToken);
    }

    /// <summary>Creates publication and slot.</summary>
    /// <exception cref="MigratorException">
    /// A table would refuse updates as part of a publication, or is locked by others all the time; or a transaction
    /// stayed open for too long.
    /// </exception>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        await using (var source = await Source.OpenConnectionAsync(cancellationToken))
            await ReplicationSlot.PublishAsync(source, Name, Tables, Clock, cancellationToken);
        await using var slots = await SourceSlots.OpenConnectionAsync(cancellationToken);
        await ReplicationSlot.CreateAsync(slots, Name, Clock, cancellationToken);
    }

    /// <inheritdoc cref="ReplicationSlot.ReleaseAsync"/>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        await using var slots = await SourceSlots.OpenConnectionAsync(cancellationToken);
        await ReplicationSlot.ReleaseAsync(slots, Name, Clock, cancellationToken);
    }

    /// <summary>Drops slot and publication; safe to repeat.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        await using (var slots = await SourceSlots.OpenConnectionAsync(cancellationToken))
            await ReplicationSlot.DropAsync(slots, Name, Clock, cancellationToken);
        await using var source = await Source.OpenConnectionAsync(cancellationToken);
        await ReplicationSlot.UnpublishAsync(source, Name, Clock, cancellationToken);
    }

    /// <summary>The condition that a row of the source is the tenant's, or comes along.</summary>
    public string IsOurs(StreamedTable table) => IsReverse ? "true" : context.Scope.Copied(table.Table, "t", Tenant.Id);

    /// <summary>Transactions whose changes of a table are in the copy already; null for most tables.</summary>
    internal ShownTransactions? CopiedAfter(TableName table) =>
        IsReverse ? null : context.Recopied.GetValueOrDefault(table);

    /// <summary>What the guard in the source proves its messages with; null where nothing in the source is proved.</summary>
    public Task<string?> SecretAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        IsReverse ? Task.FromResult<string?>(null) : context.Guard.SecretAsync(source, cancellationToken);

    /// <inheritdoc cref="StreamContext" path="/param[@name='BringHome']"/>
    /// <param name="changes">Rows that these name come even if no row names them any more.</param>
    internal Task BringHomeAsync(IEnumerable<Change> changes, CancellationToken cancellationToken)
    {
        var named =
            from change in changes
            where change.Kind is ChangeKind.Insert or ChangeKind.Update
            from key in context.Scope.ReferencesFrom(change.Table.Name)
            where
                !context.Scope[key.To].IsTenantData || context.Scope.ComesAlong(context.Scope[key.To], "t") is not null
            let columns = key.ToColumns.Select(column => context.Scope[key.To].Table.Column(column)!).ToArray()
            let values = key.FromColumns.Select(change.TextOf).ToArray()
            where values.All(value => value is not null)
            group $"({string.Join(" AND ", columns.Zip(values, (column, value) =>
                $"t.{Sql.Identifier(column.Name)} {column.EqualTo(value!)}"))})" by key.To;
        return context.BringHome(
            named.ToDictionary(rows => rows.Key, rows => string.Join(" OR ", rows.Distinct())),
            cancellationToken
        );
    }

    /// <summary>
    /// The conditions that a row of a table, seen as <c>t</c>, names a row of a table that tenants share and that is not there, by
    /// a column without a foreign key.
    /// </summary>
    internal IEnumerable<string> NamesNobody(StreamedTable table) =>
        from shared in context.Scope.CopiedTables
        where shared.Scope == TableScope.Shared
        from step in shared.UndeclaredSteps
        where
            step.To == table.Name
            && !context
                .Scope.ReferencesFrom(table.Name)
                .Any(key => key.IsDeclared && key.To == shared.Name && key.FromColumns.SequenceEqual(step.ToColumns))
        let named = string.Join(" AND ", step.ToColumns.Select(column => $"t.{Sql.Identifier(column)} IS NOT NULL"))
        select $"({named} AND NOT EXISTS (SELECT FROM {shared.Table.From} s WHERE {step.Join("s", "t")}))";

    /// <summary>
    /// To be called in every transaction that applies changes: the run must be the newest, and pass a closed guard.
    /// </summary>
    public async Task RequireCurrentRunAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        if (!IsReverse)
        {
            await context.Isolated.RequireCurrentRunAsync(target, cancellationToken);
            return;
        }
        await context.RequireCurrentRun(target, cancellationToken);
        await context.Guard.PassAsync(target, cancellationToken);
    }
}
