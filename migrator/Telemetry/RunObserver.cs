using Migrator.Model;
using Migrator.Progress;

namespace Migrator.Telemetry;

/// <summary>
/// Offers metrics of a run to Prometheus, and sends metrics and a trace by OTLP. Made before the run does anything, and
/// disposed at its end, when what is left is sent.
/// </summary>
public sealed class RunObserver : IDisposable
{
    readonly MoveMetrics metrics;
    readonly MoveTrace trace;
    readonly List<IDisposable> exporters = [];

    RunObserver(Slug tenant, string verb, TimeProvider clock)
    {
        metrics = new(tenant.ToString(), verb, clock);
        trace = new(tenant.ToString(), verb, clock);
    }

    /// <param name="listen">Where Prometheus asks; null for nowhere.</param>
    /// <param name="verb">What the run does, as in <c>promote</c> or <c>rehearse</c>.</param>
    /// <param name="environment">The value of a variable of the environment.</param>
    /// <returns>Null when nobody wants to know.</returns>
    /// <exception cref="MigratorException">The address cannot be listened on, or a variable makes no sense.</exception>
    public static RunObserver? Start(
        ListenAddress? listen,
        Slug tenant,
        string verb,
        Func<string, string?> environment,
        TimeProvider clock
    )
    {
        var otlp = OtlpSettings.Read(environment);
        if (listen is null && otlp is { Metrics: false, Traces: false })
            return null;
        var observer = new RunObserver(tenant, verb, clock);
        try
        {
            if (listen is not null)
                observer.exporters.Add(Exporters.Listen(listen));
            if (otlp is not { Metrics: false, Traces: false })
                observer.exporters.Add(Exporters.Send(otlp));
            return observer;
        }
        catch
        {
            observer.Dispose();
            throw;
        }
    }

    /// <summary>Observes a run.</summary>
    /// <param name="shown">What else is told of its progress.</param>
    public async Task RunAsync(IPromotionProgress shown, Func<IPromotionProgress, Task> work)
    {
        try
        {
            await work(new ObservedProgress(shown, metrics, trace));
            trace.Ended(null, isDone: true);
        }
        catch (Exception e)
        {
            trace.Ended(e as MigratorException, isDone: false);
            throw;
        }
        finally
        {
            metrics.Ended();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The exporters first: they collect once more.
        foreach (var exporter in exporters)
            exporter.Dispose();
        metrics.Dispose();
        trace.Dispose();
    }
}
