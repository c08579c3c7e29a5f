using Migrator.Model;

namespace Migrator.Scope;

/// <summary>What SQL says of a tree of tenants: a tenant is its row of the tenants' table and all rows below.</summary>
/// <remarks>
/// UNION, and not UNION ALL, ends at a circle. https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-RECURSIVE
/// </remarks>
/// <param name="root">The tenants' table.</param>
sealed class TenantTree(ScopedTable root)
{
    readonly ForeignKey step = root.Tree!;
    readonly string from = root.Table.From;
    readonly string key = Sql.Identifier(root.TenantColumn.Name);
    readonly string parent = Sql.Identifier(root.Tree!.FromColumns[0]);

    /// <summary>The condition that a row of the table is the tenant's.</summary>
    /// <param name="tenant">The tenant's key as text.</param>
    public string Contains(string alias, string tenant) => IsAmong(alias, one => Is(one, tenant));

    /// <summary>The condition that a row is one of some rows, which a condition on an alias chooses, or below one.</summary>
    /// <remarks>A query and no array, which would be searched from its beginning for each row.</remarks>
    public string IsAmong(string alias, Func<string, string> among) =>
        $"{alias}.{key} {root.TenantColumn.Equality} ANY ({Keys(among)})";

    /// <summary>The condition that a row is below some rows.</summary>
    public string IsBelow(string alias, Func<string, string> among) =>
        $"{alias}.{parent} {root.Table.Column(step.FromColumns[0])!.Equality} ANY ({Keys(among)})";

    // The keys of some rows and of all rows below them.
    string Keys(Func<string, string> among) =>
        $"WITH RECURSIVE below ({key}) AS (SELECT r.{key} FROM {from} r WHERE {among("r")} "
        + $"UNION SELECT r.{key} FROM {from} r JOIN below ON {step.Join("r", "below")}) SELECT {key} FROM below";

    /// <summary>A query of the rows (key and parent) that some row is below of, from the first on.</summary>
    /// <param name="first">The condition on the lowest of them.</param>
    public string Up(Func<string, string> first) =>
        $"WITH RECURSIVE up ({key}, {parent}) AS (SELECT r.{key}, r.{parent} FROM {from} r WHERE {first("r")} "
        + $"UNION SELECT r.{key}, r.{parent} FROM {from} r JOIN up ON {step.Join("up", "r")})";

    /// <summary>
    /// Whose a row is, as <see cref="TenantScope.Verdict(ScopedTable, string, TenantId)"/> has it: null where a row above cannot be
    /// seen.
    /// </summary>
    public string Verdict(string row, string tenant) =>
        $"""
            CASE WHEN ({Is(row, tenant)}) IS TRUE THEN true WHEN {row}.{parent} IS NULL THEN false ELSE (
                {Up(one => step.Join(row, one))}
                SELECT CASE WHEN bool_or({Is("up", tenant)}) THEN true
                            WHEN count(*) = 0 OR bool_or(up.{parent} IS NOT NULL AND NOT EXISTS (
                                SELECT FROM up u WHERE {step.Join("up", "u")})) THEN NULL
                            ELSE false END
                FROM up) END
            """;

    /// <summary>The condition that a row is the tenant's own.</summary>
    public string Is(string alias, string tenant) => $"{alias}.{key} {root.TenantColumn.EqualTo(tenant)}";
}
