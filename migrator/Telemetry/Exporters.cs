using System.Net;
using Migrator.Messages;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Migrator.Telemetry;

/// <summary>The OpenTelemetry packages, set up.</summary>
static class Exporters
{
    const string Service = "migrator";
    const string Path = "/metrics";

    // What HttpListener says of a name that has no address.
    const int NotSupported = 50;

    /// <summary>Offers metrics to Prometheus.</summary>
    /// <exception cref="Model.MigratorException">The address cannot be listened on.</exception>
    public static IDisposable Listen(ListenAddress address)
    {
        try
        {
            return Sdk.CreateMeterProviderBuilder()
                .ConfigureResource(Describe)
                .AddMeter(Instruments.Name)
                .AddPrometheusHttpListener(options =>
                {
                    options.Port = address.Port;
                    options.ScrapeEndpointPath = Path;
                    options.ScopeInfoEnabled = false;
                    options.ConfigureHttpListener = (_, listener) =>
                    {
                        listener.Prefixes.Clear();
                        foreach (var name in address.Names)
                            listener.Prefixes.Add($"http://{name}:{address.Port}{Path}/");
                    };
                })
                .Build();
        }
        catch (Exception e) when (e.GetBaseException() is HttpListenerException why)
        {
            throw MetricsMessages.CannotListen(
                $"{address}",
                why.ErrorCode == NotSupported ? MetricsMessages.NameUnknown : why.Message,
                e
            );
        }
    }

    /// <summary>Sends by OTLP what the environment asks for.</summary>
    public static IDisposable Send(OtlpSettings settings) =>
        OpenTelemetrySdk.Create(builder =>
        {
            builder.ConfigureResource(Describe).UseOtlpExporter();
            if (settings.Metrics)
                builder.WithMetrics(metrics => metrics.AddMeter(Instruments.Name));
            if (settings.Traces)
                builder.WithTracing(traces => traces.AddSource(Instruments.Name));
        });

    // The environment comes last: what it says of the service goes before ours.
    static void Describe(ResourceBuilder resource) =>
        resource
            .Clear()
            .AddService(Service, serviceVersion: Instruments.Version)
            .AddTelemetrySdk()
            .AddEnvironmentVariableDetector();
}
