using Migrator.Journal;
using Migrator.Runs;

namespace Migrator.Cutover;

/// <summary>
/// How long the pause of a cutover would be now, from the steps that can be measured without a pause: the stream's
/// lag, the comparison of the schema and of touched rows, and commits.
/// </summary>
public sealed class PauseForecast(PromotionRun run)
{
    const int Samples = 60;

    // Of the pause's round trips, those that are no part of what is measured: both databases commit, and answer.
    const int Commits = 6;

    static readonly TimeSpan SchemaInterval = TimeSpan.FromSeconds(10);

    readonly Lock gate = new();
    readonly Queue<double> pauses = new();
    double lag;
    double commit;
    double schema;
    double perRow;
    long? looked;

    public int Count
    {
        get
        {
            lock (gate)
                return pauses.Count;
        }
    }

    public HoldState State
    {
        get
        {
            lock (gate)
                return pauses.Count == 0
                    ? new()
                    : new(Math.Round(lag, 1), Math.Round(pauses.Min(), 1), Math.Round(pauses.Max() * 1.5, 1));
        }
    }

    /// <summary>Takes a sample, and looks at the schema now and then.</summary>
    public async Task MeasureAsync(TimeSpan lag, CancellationToken cancellationToken)
    {
        if (looked is not { } before || run.Clock.GetElapsedTime(before) > SchemaInterval)
        {
            var began = run.Clock.GetTimestamp();
            await Flip.RequireSameSchemaAsync(run, cancellationToken);
            schema = run.Clock.GetElapsedTime(began).TotalMilliseconds;
            looked = run.Clock.GetTimestamp();
        }
        lock (gate)
        {
            this.lag = lag.TotalMilliseconds;
            pauses.Enqueue(this.lag + Math.Max(schema, perRow * run.Touched.Count) + Commits * commit);
            if (pauses.Count > Samples)
                pauses.Dequeue();
        }
    }

    public void Compared(int rows, TimeSpan took)
    {
        if (rows > 0)
            lock (gate)
                perRow = took.TotalMilliseconds / rows;
    }

    public void Committed(TimeSpan took)
    {
        lock (gate)
            commit = took.TotalMilliseconds;
    }
}
