using Migrator.Messages;

namespace Migrator.Telemetry;

/// <summary>
/// Whether the environment asks for OTLP: by an endpoint, or by the name of the exporter. All else is the OpenTelemetry
/// packages' to read.
/// </summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/</remarks>
/// <param name="Metrics">Metrics are sent.</param>
/// <param name="Traces">Traces are sent.</param>
sealed record OtlpSettings(bool Metrics, bool Traces)
{
    const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

    static readonly string[] Protocols =
    [
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    ];

    /// <param name="environment">The value of a variable.</param>
    /// <exception cref="Model.MigratorException">The packages would ignore a value, and send elsewhere.</exception>
    public static OtlpSettings Read(Func<string, string?> environment)
    {
        if (string.Equals(environment("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase))
            return new(false, false);
        var found = new OtlpSettings(
            IsWanted(environment, "OTEL_METRICS_EXPORTER", MetricsEndpoint),
            IsWanted(environment, "OTEL_TRACES_EXPORTER", TracesEndpoint)
        );
        if (found is { Metrics: false, Traces: false })
            return found;
        foreach (var variable in (string[])[Endpoint, MetricsEndpoint, TracesEndpoint])
            if (environment(variable) is { Length: > 0 } url && !IsUrl(url))
                throw MetricsMessages.NoEndpoint(variable, url);
        foreach (var variable in Protocols)
            if (environment(variable) is { Length: > 0 } and not ("grpc" or "http/protobuf"))
                throw MetricsMessages.NoProtocol(variable, environment(variable)!);
        return found;
    }

    static bool IsWanted(Func<string, string?> environment, string exporter, string endpoint) =>
        environment(exporter) is { Length: > 0 } named
            ? named.Split(',', StringSplitOptions.TrimEntries).Contains("otlp")
            : environment(endpoint) is { Length: > 0 } || environment(Endpoint) is { Length: > 0 };

    static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url is { Scheme: "http" or "https", Host.Length: > 0 };
}
