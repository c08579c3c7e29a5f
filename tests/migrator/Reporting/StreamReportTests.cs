using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Reporting;

/// <summary>What <c>status</c> says of the change stream.</summary>
public sealed class StreamReportTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        """;

    [Fact]
    public async Task The_slot_on_the_way_out_and_then_the_one_on_the_way_home()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        Task<System.Text.Json.Nodes.JsonObject> StatusAsync() =>
            InjectedFault.RunAsync(move, 0, "status", $"--tenant-slug={move.Slug}");
        Assert.True((await StatusAsync()).ContainsKey("stream"));
        Assert.Null((await StatusAsync())["stream"]);

        await move.PromoteAsync(stopBefore: PhaseName.Verify);
        await move.Shared.ExecuteAsync(
            "INSERT INTO notes (tenant_id, body) SELECT 2, repeat('x', 1000) FROM generate_series(1, 1000)"
        );
        AssertForward(move, (await StatusAsync())["stream"]!);
        Assert.Contains(
            "of WAL (reserved)",
            (await InjectedFault.SayAsync(move, "status", $"--tenant-slug={move.Slug}")).Output
        );

        await move.PromoteAsync();
        Assert.Equal(move.Reverse(), (string)(await StatusAsync())["stream"]!["slot"]!);

        await move.Shared.ExecuteAsync("UPDATE tenant_promotion.promotion SET started_at = now() - interval '8 days'");
        Assert.Empty((await StatusAsync())["warnings"]!.AsArray());
        await move.Shared.ExecuteAsync("UPDATE tenant_promotion.promotion SET state = 'copying'");
        Assert.Contains("8 days", Warnings(await StatusAsync()));

        await move.Shared.ExecuteAsync("UPDATE tenant_promotion.promotion SET ended_at = now(), state = 'finalized'");
        var warnings = Warnings(await StatusAsync());
        Assert.Contains($"Slot {move.Reverse()} was left behind in {move.TargetName}", warnings);
        Assert.Contains($"Publication {move.Reverse()} was left behind", warnings);
    }

    static void AssertForward(TenantMove move, System.Text.Json.Nodes.JsonNode stream)
    {
        Assert.Equal(move.Forward(), (string)stream["slot"]!);
        Assert.Equal(move.Shared.Name, (string)stream["database"]!);
        Assert.True((long)stream["lag_bytes"]! > 1_000_000);
        Assert.True((long)stream["wal_held_bytes"]! >= (long)stream["lag_bytes"]!);
        Assert.Equal("reserved", (string)stream["wal_status"]!);
        Assert.False((bool)stream["active"]!);
        Assert.InRange((double)stream["age_seconds"]!, 0, 600);
    }

    [Fact]
    public async Task A_lost_slot_is_told_by_status_and_doctor()
    {
        await using var cluster = await EmbeddedCluster.StartAsync(
            await PostgresBinaries.FindOrInstallAsync(),
            new Dictionary<string, string>(EmbeddedCluster.FastSettings) { ["max_slot_wal_keep_size"] = "1MB" }
        );
        await Servers.CreateRolesAsync(cluster);
        await using var shared = await TestDatabase.CreateAsync(cluster, "shared", SampleDatabase.Admin);
        await using var move = new TenantMove(shared, "acme");
        await shared.ExecuteAsync(
            $$"""
            CREATE TABLE tenants (
                id bigint PRIMARY KEY, slug text, isolation_mode text DEFAULT 'shared', settings jsonb DEFAULT '{}');
            INSERT INTO tenants (id, slug) VALUES (1, 'acme');
            {{Notes.Replace("1 + n % 2", "1")}}
            """
        );
        await move.PromoteAsync(stopBefore: PhaseName.Verify);
        for (var i = 0; i < 4; i++)
            await shared.ExecuteAsync(
                "SELECT pg_logical_emit_message(false, '', 'x'), pg_switch_wal()",
                role: EmbeddedCluster.Superuser
            );
        await shared.ExecuteAsync("CHECKPOINT;", role: EmbeddedCluster.Superuser);

        var status = await InjectedFault.RunAsync(move, 0, "status", "--tenant-slug=acme");
        Assert.Equal("lost", (string)status["stream"]!["wal_status"]!);
        Assert.Contains("is lost", Warnings(status));
        var found = await InjectedFault.RunAsync(move, 1, "doctor", "--fix", "--confirm");
        Assert.Equal("wal_status is lost", (string)Assert.Single(found["leftovers"]!.AsArray())!["problem"]!);
        Assert.Equal([move.Forward()], await InjectedFault.SlotsAsync(shared));
    }

    static string Warnings(System.Text.Json.Nodes.JsonObject status) =>
        string.Join("\n", status["warnings"]!.AsArray());
}
