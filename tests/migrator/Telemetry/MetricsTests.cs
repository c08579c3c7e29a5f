using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Dapper;
using Migrator.Model;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;

namespace Migrator.Tests.Telemetry;

/// <summary>What Prometheus reads of a run.</summary>
public sealed partial class MetricsTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        """;

    [Fact]
    public async Task Prometheus_follows_a_promotion_from_its_first_wait_to_the_end()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var writer = await move.Shared.OpenAsync();
        await using var transaction = await writer.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await writer.ExecuteAsync("SELECT pg_current_xact_id()");
        var port = Collector.FreePort();
        await using var promotion = move.Start("promote", "--hold", "--metrics-listen", $"{port}");

        await promotion.MustReachAsync($"started {PhaseName.Preflight}");

        // A slot is made when every transaction that writes has ended.
        var scraped = await UntilAsync(port, promotion, "migrator_phase", $"phase=\"{PhaseName.StartStreaming}\"");
        Assert.Equal(1, scraped["migrator_phase"].Value);
        Assert.Contains($"tenant=\"{move.Slug}\"", scraped["migrator_phase"].Labels);
        Assert.Contains("verb=\"promote\"", scraped["migrator_phase"].Labels);
        Assert.DoesNotContain("migrator_slot_held_bytes", scraped.Keys);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);

        await UntilAsync(port, promotion, "migrator_phase", $"phase=\"{PhaseName.Hold}\"");
        scraped = await UntilAsync(port, promotion, "migrator_slot_held_bytes");
        // Fifty notes, and the tenant's own row.
        Assert.Equal(51, scraped["migrator_copy_rows_total"].Value);
        Assert.True(scraped["migrator_copy_bytes_total"].Value > 50);
        Assert.True(scraped["migrator_lag_bytes"].Value >= 0);
        Assert.True(scraped["migrator_slot_held_bytes"].Value > 0);
        Assert.Equal(0, scraped["migrator_throttled"].Value);

        await InjectedFault.RunAsync(move, 0, "pause", $"--tenant-slug={move.Slug}");
        scraped = await UntilAsync(port, promotion, "migrator_throttled", value: 1);
        Assert.True(scraped["migrator_throttled_duration_seconds_total"].Value > 0);
        await InjectedFault.RunAsync(move, 0, "resume", $"--tenant-slug={move.Slug}");
        await UntilAsync(port, promotion, "migrator_throttled", value: 0);

        await InjectedFault.RunAsync(move, 0, "cutover", $"--tenant-slug={move.Slug}", "--confirm");
        Assert.Equal(0, await promotion.ExitCodeAsync());
        await Assert.ThrowsAsync<HttpRequestException>(() => ScrapeAsync(port));
    }

    [Fact]
    public async Task A_port_in_use_is_told_in_a_sentence_before_anything_is_done()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        using var other = new TcpListener(IPAddress.Any, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        await MustRefuseAsync(move, $"{port}", $"localhost:{port}: Address already in use. Nothing was changed.");
        await MustRefuseAsync(move, $"*:{port}", $"*:{port}: Address already in use. Nothing was changed.");
    }

    [Theory]
    [InlineData("203.0.113.9:9464", "203.0.113.9:9464: Cannot assign requested address. Nothing was changed.")]
    [InlineData("no-such-host.invalid:9464", "the host's name leads to no address that can be listened on.")]
    [InlineData("metrics", "--metrics-listen is a port, or an address of this machine and a port")]
    public async Task An_address_that_cannot_be_listened_on_is_told_in_a_sentence(string address, string said)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);

        await MustRefuseAsync(move, address, said);
    }

    static async Task MustRefuseAsync(TenantMove move, string address, string said)
    {
        var (code, output, error) = await InjectedFault.SayAsync(
            move,
            "promote",
            $"--tenant-slug={move.Slug}",
            "--confirm",
            "--metrics-listen",
            address
        );

        Assert.True(code == (int)ExitCode.Usage, error);
        Assert.Contains(said, error);
        Assert.Empty(output);
        Assert.DoesNotContain("   at ", error);
        Assert.False(await TenantMove.HasOwnSchemaAsync(move.Shared));
        Assert.False(await move.IsolatedExistsAsync());
    }

    // Until a metric is there, with these labels or this value.
    static async Task<Dictionary<string, (string Labels, double Value)>> UntilAsync(
        int port,
        MigratorProcess promotion,
        string metric,
        string labels = "",
        double? value = null
    )
    {
        Dictionary<string, (string Labels, double Value)> scraped = [];
        await Waiting.UntilAsync(
            async () =>
            {
                scraped = await ScrapeAsync(port);
                return scraped.TryGetValue(metric, out var found)
                    && found.Labels.Contains(labels, StringComparison.Ordinal)
                    && (value is null || found.Value == value);
            },
            () => $"{metric} never had {labels}{value}:\n{promotion.Log}"
        );
        return scraped;
    }

    static async Task<Dictionary<string, (string Labels, double Value)>> ScrapeAsync(int port)
    {
        using var client = new HttpClient();
        var text = await client.GetStringAsync(
            $"http://127.0.0.1:{port}/metrics",
            TestContext.Current.CancellationToken
        );
        return Sample()
            .Matches(text)
            .DistinctBy(line => line.Groups[1].Value)
            .ToDictionary(
                line => line.Groups[1].Value,
                line => (line.Groups[2].Value, double.Parse(line.Groups[3].Value, CultureInfo.InvariantCulture))
            );
    }

    [GeneratedRegex("""^(migrator_\w+)\{(.*?)\} (\S+)""", RegexOptions.Multiline)]
    private static partial Regex Sample();
}
