using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>The question before a change, on a terminal: after the plan, and Ctrl-C ends it.</summary>
public sealed class QuestionTests(Servers servers)
{
    const string CtrlC = "\x03";

    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        CREATE UNLOGGED TABLE scratch (tenant_id bigint);
        """;

    [Theory]
    [InlineData(CtrlC)]
    [InlineData(CtrlC + CtrlC + CtrlC)]
    public async Task Ctrl_C_at_the_question_ends_the_command_at_once(string keys)
    {
        Assert.SkipUnless(TerminalSession.IsPossible, "There is no 'script' here.");
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var terminal = Start(move, "promote");

        await terminal.UntilAsync("[y/n]");
        await terminal.TypeAsync(keys);

        Assert.Equal((int)ExitCode.Interrupted, await terminal.ExitCodeAsync());
        Assert.Contains("Interrupted.", terminal.Screen);
        Assert.DoesNotContain("   at ", terminal.Screen);
        Assert.DoesNotContain("Unhandled", terminal.Screen);
        Assert.False(await move.IsolatedExistsAsync());
    }

    [Fact]
    public async Task The_plan_with_its_warnings_comes_before_the_question_and_no_means_no()
    {
        Assert.SkipUnless(TerminalSession.IsPossible, "There is no 'script' here.");
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var terminal = Start(move, "promote");

        await terminal.UntilAsync("[y/n]");
        var shown = terminal.Screen;
        await terminal.TypeAsync("n\r");

        Assert.Equal((int)ExitCode.Usage, await terminal.ExitCodeAsync());
        foreach (var part in (string[])["public.notes", "About", "public.scratch is unlogged", move.TargetName])
            Assert.Contains(part, shown);
        Assert.Contains($"127.0.0.1:{move.Server.Port}?", shown);
        Assert.Contains("Nothing was changed", terminal.Screen);
    }

    [Fact]
    public async Task What_preflight_refuses_is_not_asked_about()
    {
        Assert.SkipUnless(TerminalSession.IsPossible, "There is no 'script' here.");
        await using var move = await TenantMove.CreateAsync(servers, Notes + "CREATE TABLE oddments (id int);");
        await using var terminal = Start(move, "promote");

        Assert.Equal((int)ExitCode.Refused, await terminal.ExitCodeAsync());
        Assert.DoesNotContain("[y/n]", terminal.Screen);
    }

    [Fact]
    public async Task A_rollback_shows_where_the_tenant_is_and_yes_means_yes()
    {
        Assert.SkipUnless(TerminalSession.IsPossible, "There is no 'script' here.");
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(validate: false);
        await using var terminal = Start(move, "rollback", "--drop-isolated");

        await terminal.UntilAsync("[y/n]");
        Assert.Contains("51 rows", terminal.Screen);
        Assert.Contains($"drop {move.TargetName}", terminal.Screen);
        await terminal.TypeAsync("y\r");

        Assert.Equal(0, await terminal.ExitCodeAsync());
        Assert.False(await move.IsolatedExistsAsync());
        Assert.Contains("is dropped", terminal.Screen);
        Assert.Contains("pause of the promotion", terminal.Screen);
    }

    static TerminalSession Start(TenantMove move, string verb, params string[] words) =>
        TerminalSession.Start(
            [verb, .. words, $"--tenant-slug={move.Slug}", "--routing-dir", move.Settings.RoutingDirectory],
            new Dictionary<string, string?>
            {
                ["MIGRATOR_SOURCE"] = move.Shared.ConnectionString(),
                ["MIGRATOR_TARGET"] = move.Server.ConnectionString("postgres", move.Shared.Owner),
            }
        );
}
