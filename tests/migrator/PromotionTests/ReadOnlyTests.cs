using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>What may only look changes nothing, whatever it is told to do and with whatever arguments.</summary>
public sealed class ReadOnlyTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'body' FROM generate_series(1, 20) n;
        """;

    const string Setting = "default_transaction_read_only";

    static readonly string[][] Verbs =
    [
        ["promote", "--confirm"],
        ["promote", "--confirm", "--mode=fenced", "--finalize"],
        ["rollback", "--confirm", "--drop-isolated", "--force"],
        ["finalize", "--confirm", "--force"],
        ["doctor", "--confirm", "--fix"],
    ];

    [Fact]
    public async Task A_database_in_maintenance_is_refused_and_stays_in_maintenance()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var before = await Snapshot.OfAsync(move.Shared);
        await move.Shared.ExecuteAsync(
            $"ALTER DATABASE {move.Shared.Name} SET {Setting} = on",
            role: EmbeddedCluster.Superuser
        );

        foreach (
            var words in (string[][])
                [
                    ["promote", "--dry-run"],
                    .. Verbs[..2],
                ]
        )
        {
            var (code, _, error) = await SayAsync(move, words);
            Assert.True(code == (int)ExitCode.Refused, $"'{string.Join(' ', words)}' ended with {code}:\n{error}");
            Assert.Contains($"ALTER DATABASE \"{move.Shared.Name}\" RESET {Setting}", error);
        }

        await RequireUntouchedAsync(move, before);
    }

    [Fact]
    public async Task A_role_that_may_only_look_sees_the_plan_and_changes_nothing_by_any_verb()
    {
        var looker = Servers.NewName("looker");
        await servers.Shared.CreateRoleAsync(
            looker,
            "LOGIN CREATEDB CREATEROLE REPLICATION",
            cancellationToken: TestContext.Current.CancellationToken
        );
        await using var move = await TenantMove.CreateAsync(servers, Notes, owner: looker);
        var postgres = new TestDatabase(move.Server, "postgres", EmbeddedCluster.Superuser);
        await using (var before = await Snapshot.OfAsync(move.Shared))
        {
            await postgres.ExecuteAsync($"ALTER ROLE {looker} SET {Setting} = on");
            await RequireRefusalsAsync(move, looker);
            await RequireUntouchedAsync(move, before);
        }
        var (code, _, error) = await SayAsync(move, "promote", "--dry-run");
        Assert.True(code == 0, error);

        await postgres.ExecuteAsync($"ALTER ROLE {looker} RESET {Setting}");
        await move.PromoteAsync(validate: false);
        await InjectedFault.StreamAsync(move.Shared, "tenant_promotion_nobodys");
        await using var flipped = await Snapshot.OfAsync(move.Shared);
        await using var isolated = await Snapshot.OfAsync(move.Isolated);
        var slots = await InjectedFault.SlotsAsync(move.Shared);
        await postgres.ExecuteAsync($"ALTER ROLE {looker} SET {Setting} = on");
        await RequireRefusalsAsync(move, looker);

        Assert.Empty(await flipped.ChangesAsync());
        Assert.Empty(await isolated.ChangesAsync());
        Assert.NotEmpty(slots);
        Assert.Equal(slots, await InjectedFault.SlotsAsync(move.Shared));
        await postgres.ExecuteAsync($"ALTER ROLE {looker} RESET {Setting}");
        await move.Shared.ExecuteAsync("SELECT pg_drop_replication_slot('tenant_promotion_nobodys')");
    }

    [Fact]
    public async Task Where_only_dry_runs_are_allowed_no_verb_changes_anything()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var before = await Snapshot.OfAsync(move.Shared);

        foreach (var words in Verbs)
        {
            var (code, _, error) = await SayAsync(move, words, ("MIGRATOR_DRY_RUN_ONLY", "1"));
            Assert.True(
                (ExitCode)code == ExitCode.Refused || words[0] == "doctor",
                $"'{string.Join(' ', words)}' ended with {code}:\n{error}"
            );
        }

        await RequireUntouchedAsync(move, before);
    }

    [Fact]
    public async Task Limits_of_sessions_that_go_with_the_tenant_are_told_and_those_that_do_not_too()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes, servers.Dedicated);
        var role = Servers.NewName("limited");
        await servers.Shared.CreateRoleAsync(role, "NOLOGIN", cancellationToken: TestContext.Current.CancellationToken);
        await move.Shared.ExecuteAsync(
            $"""
            ALTER DATABASE {move.Shared.Name} SET idle_session_timeout = '3min';
            ALTER ROLE {role} IN DATABASE {move.Shared.Name} SET {Setting} = on;
            ALTER ROLE {role} SET statement_timeout = '7s';
            GRANT SELECT ON notes TO {role};
            """,
            role: EmbeddedCluster.Superuser
        );

        var warnings = string.Join('\n', (await move.PreflightAsync()).Warnings);

        Assert.Contains("idle_session_timeout=3min", warnings);
        Assert.Contains($"{Setting}=on of {role}", warnings);
        Assert.Contains($"ALTER ROLE {role} SET statement_timeout=7s", warnings);
    }

    static async Task RequireRefusalsAsync(TenantMove move, string role)
    {
        const string lifted = $"-c {Setting}=off";
        foreach (var words in Verbs)
        {
            var (code, _, error) = await SayAsync(
                move,
                words,
                ("PGOPTIONS", lifted),
                ("MIGRATOR_SOURCE", $"{move.Shared.ConnectionString()};Options={lifted}"),
                ("MIGRATOR_TARGET", $"{move.Server.ConnectionString("postgres", move.Shared.Owner)};Options={lifted}")
            );
            // The doctor tells for each object why it stays.
            var expected = words[0] == "doctor" ? ExitCode.Failed : ExitCode.Refused;
            if (words[0] == "doctor" && code == (int)ExitCode.Done)
                continue;
            Assert.True(code == (int)expected, $"'{string.Join(' ', words)}' ended with {code}:\n{error}");
            if (words[0] != "doctor")
                Assert.Contains($"Role {role} is read-only", error);
        }
    }

    static async Task RequireUntouchedAsync(TenantMove move, Snapshot before)
    {
        Assert.Empty(await before.ChangesAsync());
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
        Assert.False(await move.IsolatedExistsAsync());
    }

    static Task<(int ExitCode, string Output, string Error)> SayAsync(TenantMove move, params string[] words) =>
        SayAsync(move, words, []);

    static Task<(int ExitCode, string Output, string Error)> SayAsync(
        TenantMove move,
        string[] words,
        params (string Name, string Value)[] environment
    )
    {
        var variables = new Dictionary<string, string?>
        {
            ["MIGRATOR_SOURCE"] = move.Shared.ConnectionString(),
            ["MIGRATOR_TARGET"] = move.Server.ConnectionString("postgres", move.Shared.Owner),
        };
        foreach (var (name, value) in environment)
            variables[name] = value;
        string[] tenant = words[0] == "doctor" ? [] : [$"--tenant-slug={move.Slug}"];
        return MigratorProgram.RunAsync(
            [.. words, .. tenant, "--routing-dir", move.Settings.RoutingDirectory],
            variables
        );
    }
}
