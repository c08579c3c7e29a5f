using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Scope;
using Migrator.Streaming;
using Migrator.Verification;

namespace Migrator.Cutover;

/// <summary>
/// Compares every row while the tenant works on, a range of keys at a time, and holds no snapshot for long: each consistent
/// point serves for as many ranges as can be compared within the limit. Rows that changes touch between two points are
/// compared again at the next. So when the last range was compared both sides are equal at the last point, whichever point
/// each range was compared at.
/// </summary>
/// <param name="tables">The tables; those that are not the tenant's are compared at one point each.</param>
public sealed class RangedVerification(PromotionRun run, IReadOnlyList<ScopedTable> tables)
{
    readonly StreamDirection direction = StreamDirection.Forward(run.Stream);
    readonly KeptKeys touched = new();
    RangesOfTables ranges = new(run, tables);

    /// <returns>The tables' digests, and where in the stream both sides are equal.</returns>
    /// <exception cref="MigratorException">They are not.</exception>
    public async Task<(IReadOnlyList<TableComparison> Results, string Position)> RunAsync(
        CancellationToken cancellationToken
    )
    {
        try
        {
            // Nothing has to be noted as long as nothing was compared.
            var notes = await IsResumedAsync(cancellationToken) ? touched : null;
            string? position;
            while ((position = await NextAsync(notes, cancellationToken)) is null)
                notes = touched;
            var results = ranges.Results;
            await ForgetAsync(cancellationToken);
            return (results, position);
        }
        catch (MigratorException e) when (e.Code == ExitCode.Different)
        {
            // Somebody will look into that, by hand: the next run compares every row.
            await ForgetAsync(cancellationToken);
            throw;
        }
    }

    // As many ranges as one point serves for; the point if no range is left.
    async Task<string?> NextAsync(KeptKeys? notes, CancellationToken cancellationToken)
    {
        await run.Governor.WaitAsync(cancellationToken);
        await new CatchUpLoop(direction).RunAsync(TargetState.Consistent, cancellationToken, notes);
        var began = run.Clock.GetTimestamp();
        await using var point = await ConsistentPoint.SyncAsync(
            direction,
            TargetState.Consistent,
            notes,
            cancellationToken
        );
        await SettleAsync(point.Snapshot, cancellationToken);
        await ranges.PlanAsync(cancellationToken);
        // What the tenant has written meanwhile must not take all of the time.
        var longest = run.Options.MaxSnapshot;
        var left = longest - run.Clock.GetElapsedTime(began);
        using var expiry = new CancellationTokenSource(left > longest / 2 ? left : longest / 2, run.Clock);
        var at = new ComparedAt(Shared: point.Snapshot, LiveReferences: true);
        var comparison = new Comparison(run.Databases, run.Scope, run.Tenant, at);
        var (position, slug) = ($"{point.Position}", run.Tenant.Slug);
        var differing = await ranges.CompareAsync(comparison, position, expiry.Token, cancellationToken);
        await comparison.RequireEqualAsync(differing, slug, cancellationToken);
        if (!ranges.AreCompared)
            return null;
        var along = await comparison.OfEverybodyAsync(cancellationToken);
        await comparison.RequireEqualAsync(along, slug, cancellationToken);
        return position;
    }

    // An earlier run may have compared some ranges, and so may this one before somebody paused it.
    async Task<bool> IsResumedAsync(CancellationToken cancellationToken)
    {
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        if (
            await touched.LoadAsync(isolated, direction, cancellationToken)
            && await ranges.LoadAsync(cancellationToken) is > 0 and var compared
        )
        {
            run.Progress.Info(VerificationMessages.ComparesOn(compared, ranges.Count, touched.Count));
            return true;
        }
        touched.Clear();
        ranges = new(run, tables);
        await ForgetAsync(cancellationToken);
        return false;
    }

    // At the point the touched rows are equal like all others. Those of a range that was not compared yet are compared twice.
    async Task SettleAsync(string snapshot, CancellationToken cancellationToken)
    {
        await CutoverLoop.RecheckAsync(run, direction, touched, snapshot, cancellationToken);
        touched.Clear();
        await run.Isolated.WriteAsync(
            isolated => KeptKeys.ForgetAsync(isolated, run.Id, cancellationToken),
            cancellationToken
        );
    }

    Task ForgetAsync(CancellationToken cancellationToken) =>
        run.Isolated.WriteAsync(
            async isolated =>
            {
                await ComparedRanges.ForgetAsync(isolated, cancellationToken);
                await KeptKeys.ForgetAsync(isolated, run.Id, cancellationToken);
            },
            cancellationToken
        );
}
