using System.Text.Json;
using System.Text.RegularExpressions;
using Migrator.Connections;
using Migrator.Messages;
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
                context.Warnings.Add(
                    ScopeMessages.WhereWithoutIndex(table.Name.Quoted, where.Text, IndexFor(where.Text))
                );
    }

    async Task<string?> WhyNotAsync(ScopedTable table, RowCondition where, CancellationToken cancellationToken)
    {
        if (where.Columns.FirstOrDefault(name => table.Table.Column(name) is { Generated: true }) is { } generated)
            return ScopeMessages.WhereGenerated(generated);
        try
        {
            var plan = await ExplainAsync(table, where, "on", cancellationToken);
            var reasons = await ReasonsAsync(table, where, Literals().Replace(plan, "''"), cancellationToken);
            return reasons.Count > 0 ? ScopeMessages.WhereNotImmutable(reasons) : null;
        }
        catch (PostgresException e) when (e.SqlState[..2] is "42" or "22" or "0A")
        {
            return ScopeMessages.WhereRefused(e.MessageText);
        }
    }

    async Task<bool> ReadsAllAsync(ScopedTable table, RowCondition where, CancellationToken cancellationToken) =>
        (await ExplainAsync(table, where, "off", cancellationToken)).Contains("Seq Scan", StringComparison.Ordinal);

    // As a column too, because an index hides the condition; as a condition, because that allows less.
    async Task<string> ExplainAsync(
        ScopedTable table,
        RowCondition where,
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
            var condition = where.On("t", context.Tenant.Id);
            var json = await context.Shared.ExecuteScalarAsync<string>(
                $"EXPLAIN (VERBOSE, FORMAT JSON) SELECT {condition} FROM {table.Table.From} t WHERE {condition}",
                cancellationToken
            );
            using var document = JsonDocument.Parse(json!);
            return string.Join("\n", Texts(document.RootElement));
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

    // What is compared with the tenant's key, if that is all.
    static string IndexFor(string condition) =>
        Compared().Match(condition) is { Success: true } match ? $"({match.Groups[1].Value.Trim()})" : $"({condition})";

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

    [GeneratedRegex(
        """^((?:(?!\b(?:and|or|not)\b).)+?)(?<![<>!])=\s*:tenant(?:\s*::\s*\w+)?\s*$""",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Compared();
}
