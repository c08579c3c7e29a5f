using System.Text.Json.Nodes;
using Dapper;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Doctor;

/// <summary>Triggers of guard and fence are found missing and mended, and all of them go with everything else of ours.</summary>
public sealed class TriggersTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        CREATE TABLE days (day date NOT NULL, tenant_id bigint NOT NULL, PRIMARY KEY (day, tenant_id)) PARTITION BY RANGE (day);
        CREATE TABLE days_2024 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        """;

    const string Objects = """
        SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
             + 1000 * (SELECT count(*) FROM pg_namespace)
             + 1000000 * (SELECT count(*) FROM pg_proc)
             + 10000000000 * (SELECT count(*) FROM pg_trigger)
        """;

    static readonly string[] Ways =
    [
        "ALTER TABLE notes DISABLE TRIGGER USER",
        "ALTER TABLE notes DISABLE TRIGGER USER; ALTER TABLE notes ENABLE TRIGGER USER",
        "ALTER TABLE days_2024 DISABLE TRIGGER USER",
        """
            DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP TRIGGER %I ON notes', tgname), ';') FROM pg_trigger
                WHERE tgrelid = 'notes'::regclass AND tgname LIKE '~tenant%'); END $$
            """,
        "CREATE TABLE later (id int PRIMARY KEY, tenant_id bigint NOT NULL)",
    ];

    [Theory]
    [InlineData("guard")]
    [SoakData("fence")]
    public async Task Triggers_that_are_missing_or_off_are_named_and_mended(string kind)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(validate: false);
        if (kind == "fence")
            await move.FinalizeAsync();
        Assert.Empty(await LeftoversAsync(move, 0));
        foreach (var way in Ways)
        {
            await move.Shared.ExecuteAsync(way);

            var found = Assert.Single(await LeftoversAsync(move, 1))!;
            Assert.Equal((way, kind), (way, (string?)found["kind"]));
            Assert.Contains("missing or switched off", (string?)found["problem"]);
            var status = await InjectedFault.RunAsync(move, 0, "status", "--tenant-slug", move.Slug);
            Assert.Contains("doctor --fix --confirm", (string?)Assert.Single(status["warnings"]!.AsArray()));

            await InjectedFault.RunAsync(move, 0, "doctor", "--fix", "--confirm");

            Assert.Empty(await LeftoversAsync(move, 0));
            foreach (var table in way.StartsWith("CREATE") ? (string[])["later"] : ["notes", "days_2024"])
                Assert.Equal((way, PostgresErrorCodes.ReadOnlySqlTransaction), (way, await RefusalAsync(move, table)));
        }
    }

    [Fact]
    public async Task A_fence_that_no_tenant_needs_is_lowered()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var before = await move.Shared.ScalarAsync<decimal>(Objects);
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        await move.Shared.ExecuteAsync(
            """
            DELETE FROM tenant_promotion.guard;
            SELECT setval(oid, 1) FROM pg_class WHERE relname LIKE '%\_attention'
            """
        );

        var found = Assert.Single(await LeftoversAsync(move, 1))!;
        Assert.Equal("fence", (string?)found["kind"]);
        await InjectedFault.RunAsync(move, 0, "doctor", "--fix", "--confirm");

        Assert.Empty(await LeftoversAsync(move, 0));
        Assert.Equal(0, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~%'"));
        await InjectedFault.RunAsync(move, 0, "uninstall", "--confirm");
        Assert.Equal(before, await move.Shared.ScalarAsync<decimal>(Objects));
    }

    [Fact]
    public async Task Uninstall_waits_for_the_end_of_every_promotion_and_leaves_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var before = await move.Shared.ScalarAsync<decimal>(Objects);
        await move.PromoteAsync(validate: false);
        await RefusesAsync(move, $"{move.Slug} (isolated)", "--force");
        await move.FinalizeAsync();
        Assert.Equal((int)ExitCode.Usage, (await InjectedFault.SayAsync(move, "uninstall", "--force")).ExitCode);
        await RefusesAsync(move, $"Tenants have moved: {move.Slug}");
        await move.Shared.ExecuteAsync(
            """
            CREATE VIEW moves AS SELECT tenant_slug FROM tenant_promotion.promotion;
            CREATE TABLE remarks (promotion bigint REFERENCES tenant_promotion.promotion)
            """
        );
        await RefusesAsync(move, "view public.moves", "--force");
        await RefusesAsync(move, "constraint remarks_promotion_fkey on table public.remarks", "--force");
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, await RefusalAsync(move, "notes"));
        await move.Shared.ExecuteAsync("DROP VIEW moves; DROP TABLE remarks");

        var document = await InjectedFault.RunAsync(move, 0, "uninstall", "--force", "--confirm");

        Assert.Contains(move.TargetName, (string?)Assert.Single(document["left"]!.AsArray()));
        Assert.Equal(before, await move.Shared.ScalarAsync<decimal>(Objects));
        await InjectedFault.RunAsync(move, 0, "uninstall", "--confirm");
        await move.Shared.ExecuteAsync("INSERT INTO notes (tenant_id) VALUES (1)");
    }

    [Fact]
    public async Task A_promotion_that_begins_during_an_uninstall_keeps_its_journal()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(validate: false);
        await move.RollBackAsync();
        await using var other = await move.Shared.OpenAsync();
        await other.ExecuteAsync(
            "BEGIN; INSERT INTO tenant_promotion.promotion (tenant_key, tenant_slug, mode, state, target) "
                + "SELECT '2', 'begun', mode, 'copying', target FROM tenant_promotion.promotion"
        );
        var uninstalled = InjectedFault.SayAsync(move, "uninstall", "--confirm");
        await Waiting.UntilAsync(
            move.Shared,
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock')"
        );

        await other.ExecuteAsync("COMMIT");

        var (code, _, error) = await uninstalled;
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains("begun (copying)", error);
    }

    static async Task RefusesAsync(TenantMove move, string why, params string[] options)
    {
        var (code, _, error) = await InjectedFault.SayAsync(move, ["uninstall", "--confirm", .. options]);
        Assert.Equal((int)ExitCode.Refused, code);
        Assert.Contains(why, error);
    }

    static async Task<JsonArray> LeftoversAsync(TenantMove move, int expected) =>
        (await InjectedFault.RunAsync(move, expected, "doctor"))["leftovers"]!.AsArray();

    static async Task<string> RefusalAsync(TenantMove move, string table)
    {
        var values = table == "days_2024" ? "('2024-05-05', 1)" : "(900, 1)";
        return (
            await Assert.ThrowsAsync<PostgresException>(() =>
                move.Shared.ExecuteAsync($"INSERT INTO {table} VALUES {values}")
            )
        ).SqlState;
    }
}
