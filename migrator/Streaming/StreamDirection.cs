using Migrator.Model;
using Migrator.Phases;
using Migrator.Runs;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Streaming;

/// <summary>One of the two ways that changes take: forward from the shared database, or reverse to it.</summary>
public sealed class StreamDirection
{
    readonly PromotionRun run;

    StreamDirection(PromotionRun run, bool reverse, string name, IEnumerable<ScopedTable> tables)
    {
        this.run = run;
        IsReverse = reverse;
        Name = name;
        Tables =
        [
            .. tables
                .Where(table => table.Table.IsStreamable)
                .Select(table => new StreamedTable(table, run.Scope, run.Tenant, reverse)),
        ];
    }

    public Tenant Tenant => run.Tenant;

    public long Promotion => run.Id;

    /// <summary>The name of slot and publication.</summary>
    public string Name { get; }

    /// <summary>Where every row of the source is the tenant's, and of the target only some are.</summary>
    public bool IsReverse { get; }

    /// <summary>The tables of the stream, parents first.</summary>
    public IReadOnlyList<StreamedTable> Tables { get; }

    public NpgsqlDataSource Source => IsReverse ? run.Databases.Isolated : run.Databases.Shared;

    public NpgsqlDataSource Target => IsReverse ? run.Databases.Shared : run.Databases.Isolated;

    public NpgsqlConnectionStringBuilder SourceServer =>
        IsReverse ? run.Databases.IsolatedServer : run.Databases.SharedServer;

    public NpgsqlConnectionStringBuilder TargetServer =>
        IsReverse ? run.Databases.SharedServer : run.Databases.IsolatedServer;

    /// <summary>Out of the shared database: the tenant's rows, and the reference tables, to which they refer.</summary>
    public static StreamDirection Forward(PromotionRun run) =>
        new(
            run,
            reverse: false,
            StreamNames.Forward(run.Databases.SharedServer.Database!, run.Tenant),
            run.Scope.CopiedTables.Where(table => table.Scope == TableScope.Reference).Concat(run.Scope.ParentsFirst())
        );

    /// <summary>Out of the isolated database, since the flip.</summary>
    public static StreamDirection Reverse(PromotionRun run) =>
        new(
            run,
            reverse: true,
            StreamNames.Reverse(run.Databases.SharedServer.Database!, run.Tenant),
            run.Scope.ParentsFirst()
        );

    /// <summary>Drops slots and publications of both ways.</summary>
    public static async Task RemoveAllAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        foreach (var direction in (StreamDirection[])[Forward(run), Reverse(run)])
        {
            await using var source = await direction.Source.OpenConnectionAsync(cancellationToken);
            await ReplicationSlot.RemoveAsync(source, direction.Name, cancellationToken);
        }
    }

    /// <summary>The condition that a row of the source is the tenant's.</summary>
    public string IsOurs(StreamedTable table) => IsReverse ? "true" : run.Scope.Condition(table.Table, "t", Tenant.Key);

    /// <summary>To be called in every transaction that applies changes: the run must be the newest, and pass a closed guard.</summary>
    public async Task RequireCurrentRunAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        if (!IsReverse)
        {
            await run.Isolated.RequireCurrentRunAsync(target, cancellationToken);
            return;
        }
        await run.RequireCurrentRunAsync(target, cancellationToken);
        await run.Guard.PassAsync(target, cancellationToken);
    }
}
