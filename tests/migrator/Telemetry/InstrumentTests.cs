using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;
using Migrator.Telemetry;

namespace Migrator.Tests.Telemetry;

/// <summary>What the instruments say of a run.</summary>
public sealed partial class InstrumentTests
{
    readonly FakeTimeProvider clock = new(DateTimeOffset.UnixEpoch);

    [Fact]
    public void Every_metric_stands_in_the_docs_and_nothing_else()
    {
        using var metrics = new MoveMetrics("acme", "promote", clock);

        var documented = Row().Matches(Docs()).Select(row => row.Groups[1].Value);

        Assert.Equal(Collect(metrics).Published.Order(), documented.Order());
    }

    [Fact]
    public void A_gauge_without_a_value_is_not_there()
    {
        using var metrics = new MoveMetrics("acme", "promote", clock);
        Assert.Equal(["migrator.throttled", "migrator.throttled.duration"], Collect(metrics).Values.Keys.Order());

        metrics.PhaseStarted("copy");
        clock.Advance(TimeSpan.FromSeconds(7));
        metrics.Measured(new("copy", "", default, "bytes", 40, 100, 2, 4, null));
        var values = Collect(metrics).Values;
        Assert.Equal(1, values["migrator.phase"]);
        Assert.Equal(7, values["migrator.phase.elapsed"]);
        Assert.Equal((40, 100), (values["migrator.progress.done"], values["migrator.progress.expected"]));
        Assert.Equal((13.5, 33), (values["migrator.eta.min"], values["migrator.eta.max"]));

        // What was measured of another phase says nothing of this one.
        metrics.PhaseStarted("verify");
        metrics.Measured(new("copy", "", default, "bytes", 40, 100, 2, 4, null));
        Assert.DoesNotContain("migrator.progress.done", Collect(metrics).Values.Keys);

        metrics.Ended();
        Assert.DoesNotContain("migrator.phase", Collect(metrics).Values.Keys);
    }

    [Fact]
    public void Standing_still_adds_up()
    {
        using var metrics = new MoveMetrics("acme", "promote", clock);
        metrics.Waits(true);
        clock.Advance(TimeSpan.FromSeconds(3));
        // Another reason.
        metrics.Waits(true);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(5, Collect(metrics).Values["migrator.throttled.duration"]);
        metrics.Waits(false);
        clock.Advance(TimeSpan.FromSeconds(9));
        metrics.Waits(true);
        clock.Advance(TimeSpan.FromSeconds(1));
        metrics.Ended();

        var values = Collect(metrics).Values;

        Assert.Equal(6, values["migrator.throttled.duration"]);
        Assert.Equal(0, values["migrator.throttled"]);
    }

    [Theory]
    [InlineData("9464", "localhost:9464")]
    [InlineData("localhost:9464", "localhost:9464")]
    [InlineData(":9464", "*:9464")]
    [InlineData("0.0.0.0:1", "*:1")]
    [InlineData("migrator.internal:65535", "migrator.internal:65535")]
    [InlineData("[::1]:9464", null)]
    [InlineData("0", null)]
    [InlineData("65536", null)]
    [InlineData("-1", null)]
    [InlineData("", null)]
    [InlineData("a b:9464", null)]
    [InlineData("http://localhost:9464", null)]
    public void An_address_is_a_port_or_a_host_and_a_port(string text, string? address) =>
        Assert.Equal(
            (address is not null, address),
            (ListenAddress.TryParse(text, out var parsed), parsed?.ToString())
        );

    // Of this object alone: tests run side by side.
    static (List<string> Published, Dictionary<string, double> Values) Collect(MoveMetrics metrics)
    {
        List<string> published = [];
        Dictionary<string, double> values = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Meter != metrics.Meter)
                    return;
                published.Add(instrument.Name);
                listening.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => values[instrument.Name] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return (published, values);
    }

    static string Docs([CallerFilePath] string file = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(file)!, "../../../docs/metrics.md"));

    [GeneratedRegex(@"^\| `(migrator\.[a-z.]+)`", RegexOptions.Multiline)]
    private static partial Regex Row();
}
