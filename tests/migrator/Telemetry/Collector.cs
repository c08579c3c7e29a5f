using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Migrator.Tests.Telemetry;

/// <summary>Receives OTLP over HTTP, as an OpenTelemetry collector does.</summary>
sealed class Collector : IAsyncDisposable
{
    readonly HttpListener listener = new();
    readonly ConcurrentQueue<(string Path, byte[] Body)> received = [];
    readonly Task receiving;

    public Collector()
    {
        Url = $"http://localhost:{FreePort()}";
        listener.Prefixes.Add($"{Url}/");
        listener.Start();
        receiving = ReceiveAsync();
    }

    public string Url { get; }

    /// <summary>The spans so far.</summary>
    public IReadOnlyList<Span> Spans =>
        [
            .. Messages("/v1/traces")
                .SelectMany(message => message.At(1, 2, 2))
                .Select(span => new Span(span.Text(5), span.Hex(1), span.Hex(2), span.Hex(4))
                {
                    HasFailed = span.At(15).Any(status => status.Bytes(3).Any(code => code is [2])),
                }),
        ];

    /// <summary>The metrics so far, in the order in which they came.</summary>
    public IReadOnlyList<Protobuf> Metrics => [.. Messages("/v1/metrics").SelectMany(message => message.At(1, 2, 2))];

    /// <summary>The last state of a histogram: how many values, and their sum.</summary>
    public (long Count, double Sum) Histogram(string name) =>
        Metrics
            .Where(metric => metric.Text(1) == name)
            .SelectMany(metric => metric.At(9, 1))
            .Select(point => (point.Fixed(4), point.Double(5)))
            .LastOrDefault();

    /// <summary>The last state of a counter.</summary>
    public long Sum(string name) =>
        Metrics
            .Where(metric => metric.Text(1) == name)
            .SelectMany(metric => metric.At(7, 1))
            .Select(point => point.Fixed(6))
            .LastOrDefault();

    /// <summary>A port on which nobody listens.</summary>
    public static int FreePort()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        return ((IPEndPoint)free.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await receiving;
    }

    IEnumerable<Protobuf> Messages(string path) =>
        received.Where(one => one.Path == path).Select(one => new Protobuf(one.Body));

    async Task ReceiveAsync()
    {
        while (listener.IsListening)
            try
            {
                var context = await listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                received.Enqueue((context.Request.Url!.AbsolutePath, body.ToArray()));
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException)
            {
                // It was closed, or a client has gone.
            }
    }

    /// <summary>A span; its numbers are hexadecimal.</summary>
    /// <param name="Parent">Empty for the first of a run.</param>
    public sealed record Span(string Name, string Trace, string Id, string Parent)
    {
        public bool HasFailed { get; init; }
    }
}
