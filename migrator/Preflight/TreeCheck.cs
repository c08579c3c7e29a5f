using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;

namespace Migrator.Preflight;

/// <summary>A tenant that is a row with all rows below it: no circle, no depth without end, and nobody in it who has moved.</summary>
sealed class TreeCheck(PreflightContext context)
{
    const int Deepest = 100;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (context.Tenancy.SubtreeColumn is not { } column)
            return;
        var root = context.Scope.Root;
        if (root.Tree is null)
        {
            context.Faults.Add(TreeMessages.ColumnDoesNotFit(root.Name, column));
            return;
        }
        CheckRules();
        var tree = new TenantTree(root);
        if (await CircleAsync(root, tree, cancellationToken) is { Count: > 0 } circle)
            context.Faults.Add(TreeMessages.Circle(root.Name, column, context.Slug, circle));
        else if (await DepthAsync(root, cancellationToken) > Deepest)
            context.Faults.Add(TreeMessages.TooDeep(root.Name, context.Slug, Deepest));
        if (root.Tree.IsDeclared && await AboveAsync(root, cancellationToken) is { } above)
            context.Faults.Add(TreeMessages.NotOnTop(root.Name, column, context.Slug, context.Tenant.Key, above));
        var others = await TreeOverlap.FindAsync(
            context.Shared,
            context.Tenancy,
            context.Scope,
            context.Tenant,
            cancellationToken
        );
        string[] all = [.. others.Union(await UnderWayAsync(root, cancellationToken))];
        if (all.Length > 0)
            context.Faults.Add(TreeMessages.Overlaps(context.Slug, all));
    }

    void CheckRules()
    {
        foreach (var (name, whole) in context.Tenancy.Rules)
        foreach (var rule in whole is AnyOfRule any ? any.Rules : [whole])
            if (
                rule switch
                {
                    WhereRule => TreeMessages.ConditionOfOneKey,
                    TenantRule { NullIsGlobal: true } => TreeMessages.NullIsGlobal,
                    _ => null,
                } is
                { } what
            )
                context.Faults.Add(
                    TreeMessages.OneKeyOnly(name, context.Tenancy.RulePlaces.GetValueOrDefault(name), what)
                );
    }

    // Some keys of the circle that the tenant is in; none where there is no circle.
    Task<IReadOnlyList<string>> CircleAsync(ScopedTable root, TenantTree tree, CancellationToken cancellationToken)
    {
        var parent = root.Table.Column(root.Tree!.FromColumns[0])!;
        return context.Shared.QueryAsync<string>(
            $"""
            {tree.Up(one => tree.Is(one, context.Tenant.Key))}
            SELECT {Sql.Identifier(root.TenantColumn.Name)}::text FROM up
            WHERE EXISTS (SELECT FROM up u WHERE u.{Sql.Identifier(parent.Name)} {parent.EqualTo(context.Tenant.Key)})
            LIMIT 20
            """,
            cancellationToken
        );
    }

    Task<int> DepthAsync(ScopedTable root, CancellationToken cancellationToken)
    {
        var key = Sql.Identifier(root.TenantColumn.Name);
        return context.Shared.ExecuteScalarAsync<int>(
            $"""
            WITH RECURSIVE level ({key}, depth) AS (
                SELECT r.{key}, 0 FROM {root.Table.From} r WHERE {context.Scope.IsRoot("r", context.Tenant.Id)}
                UNION SELECT r.{key}, depth + 1 FROM {root.Table.From} r JOIN level ON {root.Tree!.Join("r", "level")}
                WHERE depth <= {Deepest})
            SELECT max(depth) FROM level
            """,
            cancellationToken
        );
    }

    Task<string?> AboveAsync(ScopedTable root, CancellationToken cancellationToken) =>
        context.Shared.ExecuteScalarAsync<string?>(
            $"""
            SELECT t.{Sql.Identifier(root.Tree!.FromColumns[0])}::text FROM {root.Table.From} t
            WHERE {context.Scope.IsRoot("t", context.Tenant.Id)}
            """,
            cancellationToken
        );

    // Tenants above or below whose promotion has not ended.
    async Task<IEnumerable<string>> UnderWayAsync(ScopedTable root, CancellationToken cancellationToken)
    {
        var related = await TreeOverlap.KeysAsync(context.Shared, context.Scope, context.Tenant, cancellationToken);
        return from record in await JournalReader.NewestAsync(context.Shared, cancellationToken)
            where record.EndedAt is null && related.Contains(record.TenantKey)
            select TreeOverlap.Label(record.TenantSlug, record.TenantKey);
    }
}
