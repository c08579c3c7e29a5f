using Migrator.Model;
using Migrator.Phases;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>One of the two ways that changes take: outbound from the shared database, or homebound to it.</summary>
public sealed class StreamDirection
{
    readonly PromotionRun run;

    StreamDirection(PromotionRun run, bool homebound, string name, IEnumerable<ScopedTable> tables)
    {
        this.run = run;
        IsHomebound = homebound;
        Name = name;
        Tables =
        [
            .. tables
                .Where(table => table.Table.IsStreamable)
                .Select(table => new StreamedTable(table, run.Scope, run.Tenant, homebound)),
        ];
    }

    public Tenant Tenant => run.Tenant;

    public long Promotion => run.Id;

    /// <summary>The name of slot and publication.</summary>
    public string Name { get; }

    /// <summary>Where every row of the source is the tenant's, and of the target only some are.</summary>
    public bool IsHomebound { get; }

    /// <summary>The tables of the stream, parents first.</summary>
    public IReadOnlyList<StreamedTable> Tables { get; }

    public NpgsqlDataSource Source => IsHomebound ? run.Databases.Isolated : run.Databases.Shared;

    public NpgsqlDataSource Target => IsHomebound ? run.Databases.Shared : run.Databases.Isolated;

    public NpgsqlConnectionStringBuilder SourceServer =>
        IsHomebound ? run.Databases.IsolatedServer : run.Databases.SharedServer;

    public NpgsqlConnectionStringBuilder TargetServer =>
        IsHomebound ? run.Databases.SharedServer : run.Databases.IsolatedServer;

    /// <summary>Out of the shared database: the tenant's rows, and the reference tables, to which they refer.</summary>
    public static StreamDirection Outbound(PromotionRun run) =>
        new(
            run,
            homebound: false,
            StreamNames.Outbound(run.Databases.SharedServer.Database!, run.Tenant),
            run.Scope.CopiedTables.Where(table => table.Belonging == Belonging.Reference)
                .Concat(run.Scope.ParentsFirst())
        );

    /// <summary>Out of the isolated database, since the flip.</summary>
    public static StreamDirection Homebound(PromotionRun run) =>
        new(
            run,
            homebound: true,
            StreamNames.Homebound(run.Databases.SharedServer.Database!, run.Tenant),
            run.Scope.ParentsFirst()
        );

    /// <summary>Drops slots and publications of both ways.</summary>
    public static async Task RemoveAllAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        foreach (var direction in (StreamDirection[])[Outbound(run), Homebound(run)])
        {
            await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
            await ReplicationSlot.RemoveAsync(source, direction.Name, cancellationToken);
        }
    }

    /// <summary>The condition that a row of the source is the tenant's.</summary>
    public string IsOurs(StreamedTable table) =>
        IsHomebound ? "true" : run.Scope.Condition(table.Table, "t", Tenant.Key);

    /// <summary>To be called in every transaction that applies changes: the run must be the newest, and pass a closed guard.</summary>
    public async Task HoldAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        if (!IsHomebound)
        {
            await run.Isolated.HoldAsync(target, cancellationToken);
            return;
        }
        await run.HoldAsync(target, cancellationToken);
        await run.Guard.PassAsync(target, cancellationToken);
    }
}
