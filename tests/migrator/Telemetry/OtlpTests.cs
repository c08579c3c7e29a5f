using Migrator.Model;
using Migrator.Telemetry;
using Migrator.Tests.Support;

namespace Migrator.Tests.Telemetry;

/// <summary>What a collector receives of a run.</summary>
public sealed class OtlpTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        """;

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_promotion_and_its_rollback_are_one_trace_with_a_span_for_each_phase(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var collector = new Collector();

        await MustSayAsync(move, 0, Http(collector), "promote", "--mode", mode);

        var promoted = collector.Spans;
        var promote = Assert.Single(promoted, span => span.Parent.Length == 0);
        Assert.Equal("promote", promote.Name);
        string[] phases = [PhaseName.Preflight, PhaseName.CopyData, PhaseName.CutOver, PhaseName.Validate];
        Assert.All(phases, phase => Assert.Single(promoted, span => span.Name == phase && span.Parent == promote.Id));
        Assert.All(promoted, span => Assert.Equal(promote.Trace, span.Trace));
        Assert.DoesNotContain(promoted, span => span.HasFailed);
        var (pauses, seconds) = collector.Histogram("migrator.pause");
        Assert.Equal(1, pauses);
        var noted = await move.Shared.ScalarAsync<double>("SELECT pause_ms FROM tenant_promotion.promotion");
        Assert.Equal(noted / 1000, seconds, 2);
        Assert.Equal(51, collector.Sum("migrator.copy.rows"));

        await MustSayAsync(move, 0, Http(collector), "rollback");

        var rollback = Assert.Single(collector.Spans, span => span.Name == "rollback");
        Assert.Equal((promote.Trace, ""), (rollback.Trace, rollback.Parent));
        Assert.Single(collector.Spans, span => span.Name == PhaseName.FlipBack && span.Parent == rollback.Id);
    }

    [Theory, SoakData(20)]
    public async Task A_rehearsal_sends_each_of_its_pauses(int pauses)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var collector = new Collector();

        await MustSayAsync(move, 0, Http(collector), "promote", "--rehearse");

        Assert.Equal(pauses, collector.Histogram("migrator.pause").Count);
        Assert.Single(collector.Spans, span => span.Name == "rehearse" && span.Parent.Length == 0);
    }

    [Fact]
    public async Task What_preflight_refuses_is_a_trace_with_a_failure()
    {
        await using var move = await TenantMove.CreateAsync(servers, $"{Notes} CREATE TABLE whose (id int)");
        await using var collector = new Collector();

        await MustSayAsync(move, (int)ExitCode.Refused, Http(collector), "promote");

        Assert.Equal([PhaseName.Preflight, "promote"], collector.Spans.Select(span => span.Name));
        Assert.All(collector.Spans, span => Assert.True(span.HasFailed));
    }

    [Fact]
    public async Task A_collector_that_is_away_harms_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);

        await MustSayAsync(
            move,
            0,
            new() { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://localhost:{Collector.FreePort()}" },
            "promote"
        );

        Assert.Equal("isolated", await move.ModeAsync());
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "is no http or https URL")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "speaks grpc and http/protobuf")]
    public async Task A_variable_that_makes_no_sense_is_told_before_anything_is_done(
        string variable,
        string value,
        string said
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);

        var error = await MustSayAsync(
            move,
            (int)ExitCode.Usage,
            new() { ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = "http://localhost:4318", [variable] = value },
            "promote"
        );

        Assert.Contains($"{variable} is", error);
        Assert.Contains(said, error);
        Assert.False(await TenantMove.HasOwnSchemaAsync(move.Shared));
    }

    [Theory]
    [InlineData("", false, false)]
    [InlineData("OTEL_SERVICE_NAME=x", false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317", true, true)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4318/v1/traces", false, true)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317 OTEL_TRACES_EXPORTER=none", true, false)]
    [InlineData("OTEL_METRICS_EXPORTER=otlp", true, false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317 OTEL_SDK_DISABLED=true", false, false)]
    public void Nothing_is_sent_unless_the_environment_asks_for_it(string environment, bool metrics, bool traces)
    {
        var variables = environment
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(one => one.Split('=', 2))
            .ToDictionary(one => one[0], one => one[1]);

        Assert.Equal(new(metrics, traces), OtlpSettings.Read(variables.GetValueOrDefault));
    }

    static Dictionary<string, string?> Http(Collector collector) =>
        new() { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf" };

    static async Task<string> MustSayAsync(
        TenantMove move,
        int expected,
        Dictionary<string, string?> environment,
        params string[] words
    )
    {
        environment["MIGRATOR_SOURCE"] = move.Shared.ConnectionString();
        environment["MIGRATOR_TARGET"] = move.Server.ConnectionString("postgres", move.Shared.Owner);
        var (code, output, error) = await MigratorProgram.RunAsync(
            [.. words, $"--tenant-slug={move.Slug}", "--confirm", "--routing-dir", move.Settings.RoutingDirectory],
            environment,
            TestContext.Current.CancellationToken
        );
        Assert.True(code == expected, $"{code}: {error}\n{output}");
        return error;
    }
}
