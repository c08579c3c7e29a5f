using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Doctor;
using Migrator.Embedded;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;

namespace Migrator.Tests.Doctor;

/// <summary>What a promotion left behind is named and removed; what one under way needs is neither.</summary>
public sealed class DoctorTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        ANALYZE notes;
        """;

    [Fact]
    public async Task What_serves_nobody_is_named_on_both_sides_and_removed()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await move.PromoteAsync();
        await move.RollBackAsync();
        Assert.Empty((await InjectedFault.RunAsync(move, 0, "doctor"))["leftovers"]!.AsArray());
        await InjectedFault.StreamAsync(move.Shared, move.Forward());
        await InjectedFault.StreamAsync(move.Isolated, move.Reverse());
        await InjectedFault.GuardAsync(move, "moved");

        var found = await InjectedFault.RunAsync(move, 1, "doctor");
        Assert.Equal(
            [
                $"guard {WriteGuard.PrefixOf("1")} {move.Shared.Name}",
                $"publication {move.Forward()} {move.Shared.Name}",
                $"publication {move.Reverse()} {move.TargetName}",
                $"slot {move.Forward()} {move.Shared.Name}",
                $"slot {move.Reverse()} {move.TargetName}",
            ],
            Named(found)
        );
        Assert.All(found["leftovers"]!.AsArray(), orphan => Assert.Equal(move.Slug, (string?)orphan!["tenant_slug"]));
        Assert.All(found["leftovers"]!.AsArray(), orphan => Assert.NotNull(orphan!["since"]));
        Assert.All(
            found["leftovers"]!.AsArray().Where(orphan => (string)orphan!["kind"]! == "slot"),
            orphan => Assert.True((long)orphan!["wal_bytes"]! >= 0)
        );
        Assert.StartsWith("migrator doctor --fix --confirm", (string)Assert.Single(found["next_steps"]!.AsArray())!);

        var (asked, _, error) = await InjectedFault.SayAsync(move, "doctor", "--fix");
        Assert.Equal(2, asked);
        Assert.Contains("Add --confirm: 'migrator doctor --fix --confirm", error);
        Assert.Single(await InjectedFault.SlotsAsync(move.Shared));

        var mended = await InjectedFault.RunAsync(move, 0, "doctor", "--fix", "--confirm");
        Assert.All(mended["leftovers"]!.AsArray(), orphan => Assert.True((bool)orphan!["removed"]!));
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
        Assert.DoesNotContain(
            await TenantMove.TracesAsync(move.Isolated),
            trace => trace.StartsWith("slot") || trace.StartsWith("publication")
        );
        Assert.Null(await move.GuardAsync());
        await move.Shared.ExecuteAsync("UPDATE notes SET body = 'y'");
    }

    [Fact]
    public async Task What_a_promotion_under_way_needs_is_left_alone()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        await move.PromoteAsync(stopBefore: PhaseName.Verify);
        Assert.Equal([move.Forward()], await InjectedFault.SlotsAsync(move.Shared));
        Assert.Empty((await InjectedFault.RunAsync(move, 0, "doctor", "--fix", "--confirm"))["leftovers"]!.AsArray());

        // After the flip the way out is over, and the way home is open.
        await move.PromoteAsync();
        await InjectedFault.StreamAsync(move.Shared, move.Forward());
        Assert.Equal(
            [$"publication {move.Forward()} {move.Shared.Name}", $"slot {move.Forward()} {move.Shared.Name}"],
            Named(await InjectedFault.RunAsync(move, 0, "doctor", "--fix", "--confirm"))
        );
        Assert.Equal([move.Reverse()], await InjectedFault.SlotsAsync(move.Isolated));
        Assert.Equal("moved", await move.GuardAsync());

        await move.FinalizeAsync();
        await InjectedFault.StreamAsync(move.Isolated, move.Reverse());
        Assert.Equal(
            [$"publication {move.Reverse()} {move.TargetName}", $"slot {move.Reverse()} {move.TargetName}"],
            Named(await InjectedFault.RunAsync(move, 0, "doctor", "--fix", "--confirm"))
        );
        Assert.Empty(await InjectedFault.SlotsAsync(move.Isolated));
    }

    [Fact]
    public async Task A_slot_that_somebody_streams_from_and_one_that_nobody_knows_go_too()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        const string stranger = "tenant_promotion_of_nobody_we_know";
        await InjectedFault.StreamAsync(move.Shared, stranger);
        await using var stream = new LogicalReplicationConnection(move.Shared.ConnectionString());
        await stream.Open();
        var reading = Task.Run(async () =>
        {
            await foreach (
                var message in stream.StartReplication(
                    new PgOutputReplicationSlot(stranger),
                    new PgOutputReplicationOptions(stranger, PgOutputProtocolVersion.V1),
                    default
                )
            )
                stream.SetReplicationStatus(message.WalEnd);
        });
        await Waiting.UntilAsync(
            move.Shared,
            $"SELECT active FROM pg_replication_slots WHERE slot_name = '{stranger}'"
        );

        Assert.Equal(
            [$"publication {stranger} {move.Shared.Name}", $"slot {stranger} {move.Shared.Name}"],
            Named(await InjectedFault.RunAsync(move, 0, "doctor", "--fix", "--confirm"))
        );

        Assert.Empty(await InjectedFault.SlotsAsync(move.Shared));
        await Assert.ThrowsAnyAsync<Exception>(() => reading);
    }

    [Fact]
    public async Task Nothing_is_removed_while_a_run_holds_the_tenant()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await InjectedFault.StreamAsync(move.Shared, move.Forward());
        var finder = new OrphanFinder(move.Settings);
        var before = await finder.LookAsync(default);
        Assert.Equal(2, before.Orphans.Count);

        await using var databases = Databases.For(move.Settings, move.Tenant().Slug);
        await using (await PromotionJournal.LockAsync(databases, "1", TimeProvider.System, default))
        {
            Assert.Empty((await finder.LookAsync(default)).Orphans);
            Assert.Contains(
                "Another run holds",
                await new OrphanRemover(move.Settings, finder, TimeProvider.System).RemoveAsync(
                    before.Orphans[0],
                    default
                )
            );
        }
        Assert.Equal([move.Forward()], await InjectedFault.SlotsAsync(move.Shared));
    }

    [Fact]
    public async Task A_promotion_that_began_after_the_look_keeps_what_it_made()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await InjectedFault.StreamAsync(move.Shared, move.Forward());
        var finder = new OrphanFinder(move.Settings);
        var before = await finder.LookAsync(default);
        Assert.Equal(2, before.Orphans.Count);
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);

        foreach (var orphan in before.Orphans)
            Assert.Contains(
                "has begun since then",
                await new OrphanRemover(move.Settings, finder, TimeProvider.System).RemoveAsync(orphan, default)
            );
        Assert.Equal([move.Forward()], await InjectedFault.SlotsAsync(move.Shared));
    }

    [Fact]
    public async Task A_database_that_a_killed_rollback_had_left_is_for_a_person_to_decide()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync();
        await move.Isolated.ExecuteAsync(
            """
            CREATE TABLE tenant_promotion.guard (
                tenant_key text, tenant_slug text, state text, changed_at timestamptz DEFAULT now());
            INSERT INTO tenant_promotion.guard (tenant_key, tenant_slug, state)
                SELECT tenant_key, tenant_slug, 'moved' FROM tenant_promotion.owner
            """
        );

        var found = await InjectedFault.RunAsync(move, 1, "doctor", "--fix", "--confirm");

        Assert.Equal([$"guard {WriteGuard.PrefixOf("1")} {move.TargetName}"], Named(found));
        Assert.Contains("writes fail", (string)found["leftovers"]![0]!["problem"]!);
        Assert.Contains(
            found["next_steps"]!.AsArray().Select(step => (string)step!),
            step => step.StartsWith($"migrator rollback --tenant-slug={move.Slug} --confirm")
        );
        Assert.Equal("moved", await move.Isolated.ScalarAsync<string>("SELECT state FROM tenant_promotion.guard"));
    }

    [Fact]
    public async Task A_guard_that_a_killed_run_left_closed_needs_nobody()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        await move.Shared.ExecuteAsync(
            """
            UPDATE tenant_promotion.guard SET state = 'closed';
            SELECT setval(oid, 2) FROM pg_class WHERE relname LIKE '%\_attention'
            """
        );

        Assert.Empty((await InjectedFault.RunAsync(move, 0, "doctor"))["leftovers"]!.AsArray());

        await move.Shared.ExecuteAsync("UPDATE notes SET body = 'on' WHERE tenant_id = 1");
        Assert.Equal("open", await move.GuardAsync());
    }

    [Fact]
    public async Task A_server_that_a_promotion_under_way_names_must_answer_and_one_of_the_past_need_not()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync();
        await move.Shared.ExecuteAsync("""UPDATE tenant_promotion.promotion SET target = target || '{"port": 1}'""");
        Assert.Equal(["server 127.0.0.1:1 "], Named(await InjectedFault.RunAsync(move, 1, "doctor")));

        await move.Shared.ExecuteAsync("UPDATE tenant_promotion.promotion SET ended_at = now(), state = 'shared'");
        var later = await InjectedFault.RunAsync(move, 0, "doctor", "--fix", "--confirm");
        Assert.Equal([$"guard {WriteGuard.PrefixOf("1")} {move.Shared.Name}"], Named(later));
        Assert.Contains("127.0.0.1:1 could not be inspected", (string)Assert.Single(later["warnings"]!.AsArray())!);
    }

    [Fact]
    public async Task Triggers_whose_tenant_nobody_knows_any_more_are_named_with_the_statement_that_drops_them()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        await move.Shared.ExecuteAsync("TRUNCATE tenant_promotion.promotion, tenant_promotion.guard CASCADE");
        Assert.Equal(
            [$"guard {WriteGuard.PrefixOf("1")} {move.Shared.Name}"],
            Named(await InjectedFault.RunAsync(move, 1, "doctor"))
        );

        await move.Shared.ExecuteAsync(
            "ALTER TABLE tenants DISABLE TRIGGER ALL; ALTER TABLE notes DISABLE TRIGGER ALL",
            role: EmbeddedCluster.Superuser
        );
        await move.Shared.ExecuteAsync("DELETE FROM notes WHERE tenant_id = 1; DELETE FROM tenants WHERE id = 1");
        var (code, output, _) = await InjectedFault.SayAsync(move, "doctor", "--fix", "--confirm");
        Assert.Equal(1, code);
        Assert.Contains($"starts_with(tgname, '{WriteGuard.PrefixOf("1")}') \\gexec", output);
    }

    static IReadOnlyList<string> Named(JsonObject document) =>
        [
            .. document["leftovers"]!
                .AsArray()
                .Select(orphan => $"{orphan!["kind"]} {orphan["name"]} {orphan["database"]}")
                .Order(StringComparer.Ordinal),
        ];
}
