using System.Text.Json;
using System.Text.RegularExpressions;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>
/// PostgreSQL takes the conditions of the rules "where", each says the same of a row in every session, and an index serves
/// it.
/// </summary>
sealed partial class WhereCheck(PreflightContext context)
{
    const long WorthAnIndex = 10_000;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var table in context.Scope.Tables.Where(table => context.IsRead(table.Table)))
        foreach (var where in table.Claims.Select(claim => claim.Where).OfType<RowCondition>())
            if (await WhyNotAsync(table, where, cancellationToken) is { } why)
                context.Faults.Add(
                    PreflightMessages.RuleDoesNotFit(
                        table.Name,
                        context.Tenancy.RulePlaces.GetValueOrDefault(table.Name),
                        why
                    )
                );
            else if (table.Table.EstimatedRows > WorthAnIndex && await ReadsAllAsync(table, where, cancellationToken))
                context.Warnings.Add(ScopeMessages.WhereWithoutIndex(table.Name.Quoted, where.Text, IndexFor(where)));
    }

    async Task<string?> WhyNotAsync(ScopedTable table, RowCondition where, CancellationToken cancellationToken)
    {
        if (where.Columns.FirstOrDefault(name => table.Table.Column(name) is { Generated: true }) is { } generated)
            return ScopeMessages.WhereGenerated(generated);
        try
        {
            using var plan = await ExplainAsync(
                table,
                "t",
                context.Scope.Where(where, "t", context.Tenant.Id),
                "on",
                cancellationToken
            );
            var text = Literals().Replace(string.Join("\n", Texts(plan.RootElement)), "''");
            var reasons = await ReasonsAsync(table, where, text, cancellationToken);
            return reasons.Count > 0 ? ScopeMessages.WhereNotImmutable(reasons) : null;
        }
        catch (PostgresException e) when (e.SqlState[..2] is "42" or "22" or "0A")
        {
            return ScopeMessages.WhereRefused(e.MessageText);
        }
    }

    async Task<bool> ReadsAllAsync(ScopedTable table, RowCondition where, CancellationToken cancellationToken)
    {
        var condition = context.Scope.WhereOnTable(where, context.Tenant.Id);
        using var plan = await ExplainAsync(table, where.Alias, condition, "off", cancellationToken);
        return HasScan(plan.RootElement, table.Name.Name);
    }

    // PostgreSQL numbers the names of partitions.
    static bool HasScan(JsonElement element, string alias) =>
        element.ValueKind switch
        {
            JsonValueKind.Array => element.EnumerateArray().Any(one => HasScan(one, alias)),
            JsonValueKind.Object => (
                element.TryGetProperty("Node Type", out var type)
                && type.GetString()!.EndsWith("Seq Scan", StringComparison.Ordinal)
                && element.GetProperty("Alias").GetString() is { } name
                && (name == alias || name.StartsWith(alias + "_", StringComparison.Ordinal))
            ) || element.EnumerateObject().Any(one => HasScan(one.Value, alias)),
            _ => false,
        };

    // As a column too, because an index hides the condition; as a condition, because that allows less.
    async Task<JsonDocument> ExplainAsync(
        ScopedTable table,
        string alias,
        string condition,
        string scans,
        CancellationToken cancellationToken
    )
    {
        await context.Shared.ExecuteAsync("SAVEPOINT condition", cancellationToken);
        try
        {
            await context.Shared.ExecuteAsync(
                $"SET LOCAL search_path = pg_catalog; SET LOCAL enable_seqscan = {scans}",
                cancellationToken
            );
            var json = await context.Shared.ExecuteScalarAsync<string>(
                $"EXPLAIN (VERBOSE, FORMAT JSON) SELECT {condition} FROM {table.Table.From} AS {alias} WHERE {condition}",
                cancellationToken
            );
            return JsonDocument.Parse(json!);
        }
        finally
        {
            await context.Shared.ExecuteAsync("ROLLBACK TO SAVEPOINT condition", cancellationToken);
        }
    }

    // Functions and types that are not the same in every session; of a function with several signatures any may be meant.
    Task<IReadOnlyList<string>> ReasonsAsync(
        ScopedTable table,
        RowCondition where,
        string plan,
        CancellationToken cancellationToken
    ) =>
        context.Shared.QueryAsync<string>(
            """
            SELECT DISTINCT p.proname || '()' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.provolatile <> 'i' AND p.prokind = 'f'
              AND (format('%I.%I', n.nspname, p.proname) = ANY (@functions)
                   OR (n.nspname = 'pg_catalog' AND quote_ident(p.proname) = ANY (@functions)))
            UNION
            SELECT format_type(t.oid, NULL) FROM pg_type t
            JOIN pg_proc i ON i.oid = t.typinput JOIN pg_proc o ON o.oid = t.typoutput
            WHERE t.typtype = 'b' AND t.typcategory <> 'A' AND 'i' <> ANY (ARRAY[i.provolatile, o.provolatile])
              AND (EXISTS (SELECT FROM unnest(@casts) c WHERE starts_with(c || ' ', format_type(t.oid, NULL) || ' '))
                   OR t.oid IN (SELECT a.atttypid FROM pg_attribute a
                                WHERE a.attrelid = CAST(@table AS regclass) AND a.attname = ANY (@columns)))
            ORDER BY 1
            """,
            new
            {
                functions = Functions().Matches(plan).Select(one => one.Groups[1].Value).ToArray(),
                casts = Casts().Matches(plan).Select(one => one.Groups[1].Value).ToArray(),
                table = table.Name.Quoted,
                columns = where.Columns.ToArray(),
            },
            cancellationToken
        );

    // What is compared with the tenant's key, if that is all; what a subquery may be asked for.
    static string IndexFor(RowCondition where) =>
        where.HasSubquery ? Sql.Identifiers(where.Columns)
        : where.Compared is { } compared ? $"({compared})"
        : $"({where.Text})";

    static IEnumerable<string> Texts(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.String => [element.GetString()!],
            JsonValueKind.Array => element.EnumerateArray().SelectMany(Texts),
            JsonValueKind.Object => element.EnumerateObject().SelectMany(one => Texts(one.Value)),
            _ => [],
        };

    [GeneratedRegex("'(?:[^']|'')*'")]
    private static partial Regex Literals();

    [GeneratedRegex("""((?:(?:"[^"]+"|\w+)\.)?(?:"[^"]+"|\w+))\(""")]
    private static partial Regex Functions();

    [GeneratedRegex("""::([\w" ]+)""")]
    private static partial Regex Casts();
}
