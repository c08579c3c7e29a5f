using Migrator.Embedded;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Guarding;

/// <summary>The isolated database refuses the tenant's writes from its first table until the flip has committed.</summary>
public sealed class ArrivalTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        INSERT INTO notes (tenant_id) VALUES (1), (2);
        CREATE TABLE events (id bigint, tenant_id bigint NOT NULL, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        """;

    const string Closed = PostgresErrorCodes.ReadOnlySqlTransaction;

    static readonly string[] Writes =
    [
        "INSERT INTO notes (id, tenant_id) VALUES (900, 1)",
        "INSERT INTO events_2024 VALUES (900, 1, '2024-05-05')",
        "UPDATE notes SET id = id",
        "DELETE FROM notes",
        "TRUNCATE events",
    ];

    [Theory]
    [SoakData(PromotionOptions.Online, PhaseName.CopyData)]
    [SoakData(PromotionOptions.Online, PhaseName.BuildSchema)]
    [InlineData(PromotionOptions.Online, PhaseName.CutOver)]
    [InlineData(PromotionOptions.Fenced, PhaseName.CopyData)]
    [SoakData(PromotionOptions.Fenced, PhaseName.CutOver)]
    public async Task A_session_that_outlived_a_rollback_cannot_write_before_the_flip(string mode, string phase)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await using var idle = await move.Isolated.OpenAsync();
        await move.RollBackAsync();
        var states = new List<string>();

        await move.PromoteMeddledAsync(
            phase,
            async () =>
            {
                foreach (var write in Writes)
                    states.Add(await StateAsync(idle, write));
                await using var anew = await move.Isolated.OpenAsync(EmbeddedCluster.Superuser);
                Assert.Equal("", await StateAsync(anew, "SET session_replication_role = replica"));
                foreach (var write in Writes)
                    states.Add(await StateAsync(anew, write));
            }
        );

        Assert.All(states, state => Assert.Equal(Closed, state));
        foreach (var write in Writes[..2])
            Assert.Equal("", await StateAsync(idle, write));
        Assert.Empty(await MigratorTriggersAsync(move));
    }

    [Fact]
    public async Task Between_the_flip_and_the_opening_neither_database_takes_writes_and_promote_opens_it()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        const string fail = """
            CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
            CREATE TRIGGER fail BEFORE UPDATE ON tenant_promotion.owner FOR EACH ROW
                WHEN (NEW.live AND NOT OLD.live) EXECUTE FUNCTION public.fail()
            """;

        await Assert.ThrowsAnyAsync<Exception>(() =>
            move.PromoteMeddledAsync(
                PhaseName.CutOver,
                () => move.Isolated.ExecuteAsync(fail, role: EmbeddedCluster.Superuser)
            )
        );

        Assert.Equal("isolated", await move.ModeAsync());
        Assert.Equal(Closed, await StateAsync(move.Shared, Writes[0]));
        Assert.Equal(Closed, await StateAsync(move.Isolated, Writes[0]));
        await move.Isolated.ExecuteAsync(
            "DROP TRIGGER fail ON tenant_promotion.owner; DROP FUNCTION public.fail()",
            role: EmbeddedCluster.Superuser
        );
        var open = $"migrator promote --tenant-slug={move.Slug} --confirm";
        var status = await InjectedFault.RunAsync(move, 0, "status", "--tenant-slug", move.Slug);
        var warning = (string)Assert.Single(status["warnings"]!.AsArray())!;
        Assert.Contains("accepts no write yet", warning);
        Assert.Contains(open, warning);
        Assert.StartsWith(open, (string)status["next_steps"]![0]!);
        var doctor = await InjectedFault.RunAsync(move, 1, "doctor");
        var closed = Assert.Single(
            doctor["leftovers"]!.AsArray(),
            one => (string)one!["database"]! == move.TargetName && (string)one["kind"]! == "guard"
        );
        Assert.Contains("writes fail in both", (string)closed!["problem"]!);
        Assert.Contains(doctor["next_steps"]!.AsArray(), step => ((string)step!).StartsWith(open));

        await move.PromoteAsync(validate: false);
        Assert.Equal("", await StateAsync(move.Isolated, Writes[0]));
        status = await InjectedFault.RunAsync(move, 0, "status", "--tenant-slug", move.Slug);
        Assert.Empty(status["warnings"]!.AsArray());
    }

    [Fact]
    public async Task What_was_written_before_the_guard_stood_is_never_copied_over()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        await move.Isolated.ExecuteAsync(
            """
            ALTER TABLE notes DISABLE TRIGGER USER;
            INSERT INTO notes (id, tenant_id) VALUES (900, 1);
            DROP TRIGGER "~tenant_promotion_arrival" ON notes;
            """
        );
        await using var isolated = await move.Isolated.OpenAsync();

        var written = await Assert.ThrowsAsync<MigratorException>(() =>
            ArrivalGuard.InstallAsync(isolated, move.Parsed, TestContext.Current.CancellationToken)
        );

        Assert.Contains("rows were written into notes", written.Message);
    }

    static Task<IReadOnlyList<string>> MigratorTriggersAsync(TenantMove move) =>
        move.Isolated.QueryAsync<string>("SELECT tgname::text FROM pg_trigger WHERE tgname LIKE '~tenant_promotion%'");

    static async Task<string> StateAsync(TestDatabase database, string write)
    {
        await using var connection = await database.OpenAsync();
        return await StateAsync(connection, write);
    }

    static async Task<string> StateAsync(NpgsqlConnection connection, string write)
    {
        try
        {
            await using var command = new NpgsqlCommand(write, connection);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            return "";
        }
        catch (PostgresException e)
        {
            return e.SqlState;
        }
    }
}
