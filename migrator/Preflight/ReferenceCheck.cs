using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>References between the tenant's rows and those of others, either way.</summary>
sealed class ReferenceCheck(PreflightContext context)
{
    readonly InwardReferences inward = new(context.Scope, context.Tenant);
    readonly ReferenceCures cures = new(context.Scope, context.Tenancy);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var (outward, into) = (Outward().ToArray(), Inward().ToArray());
        var found = await context.SideBySideAsync<(long Count, string[] Samples)>(
            [.. outward.Concat(into).Select(question => question.Query)],
            cancellationToken
        );
        Tell(outward, found);
        await CheckClaimsAsync(cancellationToken);
        Tell(into, [.. found.Skip(outward.Length)]);
    }

    void Tell(Question[] questions, IReadOnlyList<(long Count, string[] Samples)> found)
    {
        foreach (var (question, (count, samples)) in questions.Zip(found))
            if (count > 0)
                context.Faults.Add(question.Fault(count, samples));
    }

    // A reference out of the tenant could never be satisfied in T.
    IEnumerable<Question> Outward()
    {
        foreach (var key in context.Scope.ForeignKeys.Where(IsOutward))
        {
            var (from, to) = (context.Scope[key.From], context.Scope[key.To]);
            var theirs = context.Scope.NotCopied(to, "p", context.Tenant.Id);
            var crossing = $"EXISTS (SELECT FROM {to.Table.From} p WHERE {key.Join("t", "p")} AND {theirs})";
            yield return new(
                Counting(from, $"{context.Copied(from, "t")} AND {crossing}"),
                (count, samples) =>
                    ReferenceMessages.CrossTenantReference(
                        key.From,
                        key.To,
                        key.Name,
                        count,
                        samples,
                        cures.Outward(key)
                    )
            );
        }
    }

    // A reference into the tenant would stop finalize. The tenant's own row stays.
    IEnumerable<Question> Inward()
    {
        foreach (var table in context.Scope.TenantTables)
        foreach (var key in inward.KeysInto(table).Where(key => !StopsNothing(key)))
        {
            var from = context.Scope[key.From];
            yield return new(
                Counting(from, inward.Condition(key, table.Table.From, context.Condition(table, "p"))),
                (count, samples) =>
                    ReferenceMessages.ReferencedByOthers(from.Name, key.To, key.Name, count, samples, cures.Inward(key))
            );
        }
    }

    // A row that two tenants can claim would be deleted with the first of them.
    async Task CheckClaimsAsync(CancellationToken cancellationToken)
    {
        foreach (
            var table in context.Scope.TenantTables.Where(table =>
                table.Tree is null
                && (
                    table.Claims.Count > 1
                    || table.Steps.Any(step => step.IsMany)
                    || table.Claims.Any(claim => claim.Where is { Compared: null })
                )
            )
        )
        foreach (var others in await OthersAsync(table, cancellationToken))
        {
            var (count, samples) = await context.Shared.QuerySingleAsync<(long, string[])>(
                Claimed(table, context.Scope.ClaimedByOthers(table, "t", context.Tenant.Id, others)),
                cancellationToken
            );
            if (count == 0)
                continue;
            context.Faults.Add(PreflightMessages.ClaimedByOthers(table.Name, count, samples, cures.Claimed(table)));
            break;
        }
    }

    // The tenant's rows first, by the indexes that find them: what is asked of them for each other tenant would else be asked of all.
    string Claimed(ScopedTable table, string claimed) =>
        $"""
            WITH ours AS MATERIALIZED (
                SELECT {InwardReferences.Label(table, "t")} AS "tenant_promotion label", t.* FROM {table.Table.From} t
                WHERE {context.Scope.ConditionOfAll(table, context.Tenant.Id)})
            SELECT count(*),
                   coalesce((array_agg(t."tenant_promotion label" ORDER BY t."tenant_promotion label"))[1:5], '{"{}"}')
            FROM ours t WHERE {claimed}
            """;

    // Whom the table's conditions have to be asked of; so many at a time as a statement may well name.
    async Task<IEnumerable<TenantId[]>> OthersAsync(ScopedTable table, CancellationToken cancellationToken)
    {
        var root = context.Scope.Root;
        IReadOnlyList<(string Key, string Slug)> others = table.Claims.All(claim => claim.Where is null)
            ? []
            : await context.Shared.QueryAsync<(string, string)>(
                $"""
                SELECT {Sql.Identifier(root.TenantColumn.Name)}::text,
                       coalesce({Sql.Identifier(context.Tenancy.SlugColumn)}::text, '')
                FROM {root.Table.From} t
                WHERE ({context.Condition(root, "t")}) IS NOT TRUE
                """,
                cancellationToken
            );
        var many = table.Reads.Any() ? 200 : 1_000;
        return others.Select(other => new TenantId(other.Key, other.Slug)).Chunk(many).DefaultIfEmpty([]);
    }

    bool IsOutward(ForeignKey key) =>
        key.IsDeclared
        && context.Scope[key.From].IsCopied
        && context.Scope[key.To].Scope != TableScope.Reference
        && !context.Scope.StaysInside(key)
        // Only the tenant on top names a row outside of the tree, and TreeCheck looks at it.
        && !(key.From == context.Scope.Root.Name && key.Name == context.Scope.Root.Tree?.Name);

    bool StopsNothing(ForeignKey key) =>
        context.Scope[key.To].Scope == TableScope.Root && !context.Scope[key.From].IsTenantData;

    static string Counting(ScopedTable table, string condition) =>
        $"""
            SELECT count(*), coalesce((array_agg(label))[1:5], '{"{}"}')
            FROM (SELECT {InwardReferences.Label(
                table,
                "t"
            )} AS label FROM {table.Table.From} t WHERE {condition}) crossing
            """;

    /// <param name="Fault">What to say of so many rows, some of which are named.</param>
    sealed record Question(string Query, Func<long, string[], string> Fault);
}
