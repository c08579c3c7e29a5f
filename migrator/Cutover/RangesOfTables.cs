using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Verification;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>The ranges of a verification: planned once, and compared in any order, by one run or several.</summary>
sealed class RangesOfTables(PromotionRun run, IReadOnlyList<ScopedTable> tables)
{
    readonly List<RangeOfTable> all = [];
    readonly HashSet<TableName> warned = [];
    IReadOnlyDictionary<TableName, long>? rows;
    int turns;

    /// <summary>How many there are.</summary>
    public int Count => all.Count;

    /// <summary>Whether each was compared, and was equal.</summary>
    public bool AreCompared => all.All(range => range.Result is not null);

    /// <summary>The digests of the tables, put together from those of their ranges.</summary>
    public IReadOnlyList<TableComparison> Results =>
        [
            .. all.GroupBy(range => range.Table)
                .Select(ranges => Joined(ranges.Key, [.. ranges.OrderBy(range => range.Turn)]))
                .OrderBy(result => result.Table.Name),
        ];

    /// <summary>Takes over what earlier runs have compared, as far as the results still hold.</summary>
    /// <returns>Of how many ranges.</returns>
    public async Task<int> LoadAsync(CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        var kept = await ComparedRanges.ReadAsync(isolated, cancellationToken);
        foreach (var table in tables)
        {
            var its = kept.Where(range => range.Table == table.Name.ToString()).ToArray();
            if (!KeyRange.AreAll([.. its.Select(range => new KeyRange(range.After, range.UpTo))]))
                continue;
            var form = await TableForm.ReadAsync(shared, isolated, table, cancellationToken);
            if (its.All(range => range.Form == form))
                all.AddRange(its.Select(range => Read(table, range)));
        }
        var stale = kept.Select(range => range.Id).Except(all.Select(range => range.Id!.Value)).ToArray();
        if (stale.Length > 0)
            await run.Isolated.WriteAsync(
                connection => ComparedRanges.ForgetAsync(connection, stale, cancellationToken),
                cancellationToken
            );
        return turns;
    }

    /// <summary>Divides the tables that are not divided yet. The isolated side stands still.</summary>
    public async Task PlanAsync(CancellationToken cancellationToken)
    {
        if (rows is not null)
            return;
        rows = await run.RowsToCompareAsync(tables, cancellationToken);
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await run.Isolated.WriteAsync(
            async isolated =>
            {
                foreach (var table in tables.Except(all.Select(range => range.Table).ToArray()))
                {
                    var form = await TableForm.ReadAsync(shared, isolated, table, cancellationToken);
                    // Nobody compares again what changes of the other tables touch: they are read as of one moment.
                    var ranges = table.IsTenantData
                        ? await Planner(shared, isolated).PlanAsync(table, rows[table.Name], cancellationToken)
                        : [KeyRange.Whole];
                    foreach (var keys in ranges)
                        all.Add(await NewAsync(isolated, table, keys, form, cancellationToken));
                }
            },
            cancellationToken
        );
        foreach (var table in tables)
            Tell(table);
    }

    /// <summary>Compares what is not compared yet, until the limit expires.</summary>
    /// <param name="position">Where in the stream both sides are.</param>
    /// <returns>All that is known of the tables that differ; empty if none does.</returns>
    public async Task<IReadOnlyList<TableComparison>> CompareAsync(
        Comparison comparison,
        string position,
        CancellationToken expiry,
        CancellationToken cancellationToken
    )
    {
        // The largest table first, so that the others are not done long before it.
        var open = all.Where(range => range.Result is null)
            .OrderByDescending(range => range.Table.Table.Bytes)
            .ToArray();
        await Parallel.ForEachAsync(
            open,
            new ParallelOptions { MaxDegreeOfParallelism = run.Options.Jobs, CancellationToken = cancellationToken },
            async (range, token) =>
            {
                // One is begun at any rate: what cannot be compared within the limit is known by that, and divided.
                if (range == open[0] || !expiry.IsCancellationRequested)
                    await CompareAsync(range, comparison, position, expiry, token);
            }
        );
        if (open.All(range => range.Result is null && range.Different is null))
            foreach (var range in open.Where(range => range.WasTooLong))
                await DivideAsync(range, cancellationToken);
        var differing = open.Where(range => range.Different is not null).Select(range => range.Table).ToHashSet();
        return
        [
            .. all.Where(range => differing.Contains(range.Table))
                .Select(range => range.Different ?? range.Result)
                .OfType<TableComparison>(),
        ];
    }

    async Task CompareAsync(
        RangeOfTable range,
        Comparison comparison,
        string position,
        CancellationToken expiry,
        CancellationToken cancellationToken
    )
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken,
            range.MayTakeLong ? CancellationToken.None : expiry
        );
        TableComparison result;
        try
        {
            await run.Governor.WaitAsync(either.Token);
            range.WasTooLong = true;
            result = await comparison.DigestAsync(range.Table, range.Keys, either.Token);
            range.WasTooLong = false;
        }
        catch (Exception) when (expiry.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The next point serves for it. A failure of its own comes again there.
            return;
        }
        if (!result.IsEqual)
        {
            range.Different = result;
            return;
        }
        if (range.Id is { } id)
            await run.Isolated.WriteAsync(
                isolated => ComparedRanges.EqualAsync(isolated, id, position, result.Recorded, cancellationToken),
                cancellationToken
            );
        range.Equal(result, Interlocked.Increment(ref turns));
        Tell(range.Table);
    }

    // Nothing was compared within the limit: smaller ranges will be.
    async Task DivideAsync(RangeOfTable range, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        await run.Isolated.WriteAsync(
            async isolated =>
            {
                var halves = range.Id is null
                    ? null
                    : await Planner(shared, isolated).DivideAsync(range.Table, range.Keys, cancellationToken);
                if (halves is not var (lower, upper))
                {
                    range.MayTakeLong = true;
                    if (warned.Add(range.Table.Name))
                        run.Progress.Warn(
                            VerificationMessages.CannotBeDivided(range.Table.Name, run.Options.MaxSnapshot)
                        );
                    return;
                }
                await ComparedRanges.ForgetAsync(isolated, [range.Id!.Value], cancellationToken);
                all.Remove(range);
                foreach (var half in (KeyRange[])[lower, upper])
                    all.Add(await NewAsync(isolated, range.Table, half, range.Form, cancellationToken));
            },
            cancellationToken
        );
    }

    RangePlanner Planner(NpgsqlConnection shared, NpgsqlConnection isolated) =>
        new(shared, isolated, run.Scope, run.Tenant, run.Options.RowsPerRange);

    static async Task<RangeOfTable> NewAsync(
        NpgsqlConnection isolated,
        ScopedTable table,
        KeyRange keys,
        string form,
        CancellationToken cancellationToken
    ) =>
        new(
            table,
            keys,
            form,
            table.IsTenantData
                ? await ComparedRanges.PlanAsync(
                    isolated,
                    $"{table.Name}",
                    form,
                    keys.After,
                    keys.UpTo,
                    cancellationToken
                )
                : null
        );

    RangeOfTable Read(ScopedTable table, ComparedRange kept)
    {
        var range = new RangeOfTable(table, new(kept.After, kept.UpTo), kept.Form, kept.Id);
        if (kept.Recorded is { } recorded)
            range.Equal(new(table, recorded, recorded.Digest) { Keys = range.Keys }, ++turns);
        return range;
    }

    void Tell(ScopedTable table)
    {
        var compared = all.Where(range => range.Table == table).Sum(range => range.Result?.Isolated.Rows ?? 0);
        run.Progress.Reached(
            $"{table.Name}",
            ProgressUnit.Rows,
            compared,
            all.All(range => range.Table != table || range.Result is not null) ? compared : rows![table.Name]
        );
    }

    // A later look at the rows must not take one for old that was written after its range had been compared: what counts is
    // the snapshot of the first.
    static TableComparison Joined(ScopedTable table, RangeOfTable[] ranges)
    {
        if (!KeyRange.AreAll([.. ranges.Select(range => range.Keys)]))
            throw new InvalidOperationException($"Not every key of {table.Name} was compared once.");
        var results = ranges.Select(range => range.Result!).ToArray();
        if (results is [var only])
            return only;
        var detail = results[0].Recorded.Detail!;
        var partitions = detail.Partitions.Keys.ToDictionary(
            oid => oid,
            oid => Sum(results.Select(result => result.Recorded.Detail!.Partitions.GetValueOrDefault(oid, None)))
        );
        return new(
            table,
            new(Sum(results.Select(result => result.Shared)), detail with { Partitions = partitions }),
            Sum(results.Select(result => result.Isolated))
        );
    }

    static Digest None => new(0, "0");

    static Digest Sum(IEnumerable<Digest> digests) => digests.Aggregate(None, (sum, digest) => sum + digest);
}
