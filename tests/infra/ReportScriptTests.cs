using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What a promotion's report says of how it went.</summary>
public sealed class ReportScriptTests : ScriptTests
{
    [Fact]
    public async Task A_phase_that_another_attempt_repeats_failed_the_first_time()
    {
        await WriteAsync(
            "report-2-promote/promote.jsonl",
            Entry("10:00:00", "INFO", """{"event":"phase_started","phase":"copy","message":"Copy"}"""),
            Entry("10:01:00", "INFO", """{"event":"phase_started","phase":"copy","message":"Copy"}"""),
            Entry("10:01:30", "INFO", """{"event":"phase_ended","phase":"copy","message":"Copy"}""")
        );

        var (_, report, _) = await ReportAsync(("SLUG", "acme-corp"));

        Assert.Contains("| Migrator | copy | **failed** | 60.0 |\n| Migrator | copy | done | 30.0 |", report);
    }

    [Fact]
    public async Task A_line_that_is_no_entry_does_not_take_the_report_away()
    {
        await WriteAsync(
            "report-2-promote/timeline.jsonl",
            Step("Migration", "10:00:00", "10:05:00", 0),
            "{\"name\":",
            "null"
        );

        var (exitCode, report, _) = await ReportAsync(("SLUG", "acme-corp"));

        Assert.Equal(0, exitCode);
        Assert.Contains("| Workflow | Migration | done | 300.0 |", report);
    }

    [Fact]
    public async Task The_report_of_a_promotion_has_its_phases_as_a_table_and_a_timeline_and_the_checks()
    {
        await WriteAsync(
            "report-2-promote/timeline.jsonl",
            Step("Infrastructure", "10:00:00", "10:12:30", 0),
            Step("Migration", "10:12:31", "10:14:00", 0)
        );
        await WriteAsync(
            "report-2-promote/promote.jsonl",
            Entry("10:12:40", "INFO", """{"event":"phase_started","phase":"preflight","message":"Preflight"}"""),
            Entry(
                "10:12:42.5",
                "INFO",
                """{"event":"phase_ended","phase":"preflight","seconds":2.5,"message":"Preflight"}"""
            ),
            Entry(
                "10:13:50",
                "INFO",
                """{"event":"check","area":"data integrity","check":"digests","outcome":"passed"}"""
            )
        );

        var (exitCode, report, error) = await ReportAsync(("SLUG", "acme-corp"), ("COMMIT", "0123abc"));

        Assert.True(exitCode == 0, error);
        Assert.Contains("### Promotion of `acme-corp` is done", report);
        Assert.Contains("| Workflow | Infrastructure | done | 750.0 |", report);
        Assert.Contains("| Migrator | preflight | done | 2.5 |", report);
        Assert.Contains("```mermaid\ngantt", report);
        Assert.Contains($"  preflight :done, {At("10:12:40"):F0}, {At("10:12:42.5"):F0}", report);
        Assert.Contains("| data integrity | digests | passed |", report);

        static double At(string time) =>
            (DateTimeOffset.Parse($"2026-01-01T{time}Z") - DateTimeOffset.UnixEpoch).TotalMilliseconds;
    }

    [Fact]
    public async Task The_report_of_a_failure_names_the_phase_that_never_ended_and_what_the_migrator_said()
    {
        await WriteAsync("report-2-promote/timeline.jsonl", Step("Migration", "10:00:00", "10:05:00", 4));
        await WriteAsync(
            "report-2-promote/promote.jsonl",
            Entry("10:00:10", "INFO", """{"event":"phase_started","phase":"verify","message":"Verify"}"""),
            Entry("10:04:00", "WARNING", """{"message":"Table public.users differs in 3 rows."}""")
        );

        var (_, report, _) = await ReportAsync(("SLUG", "acme-corp"), ("PROMOTED", "failure"));

        Assert.Contains("### Promotion of `acme-corp` did not finish (promote: failure)", report);
        Assert.Contains("| Workflow | Migration | **failed** | 300.0 |", report);
        Assert.Contains("| Migrator | verify | **failed** | 230.0 |", report);
        Assert.Contains("  verify :crit, ", report);
        Assert.Contains("- Table public.users differs in 3 rows.", report);
        Assert.Contains("*Re-run failed jobs* on this run goes on where it stopped", report);
    }

    [Theory]
    [InlineData("success", "### Rehearsal of `acme-corp` is done", "Nothing was changed.")]
    [InlineData("failure", "### Rehearsal of `acme-corp` did not finish", "Re-run failed jobs* on this run goes on")]
    public async Task The_report_of_a_rehearsal_tells_what_was_measured(string promoted, string said, string unsaid)
    {
        await WriteAsync(
            "report-2-promote/rehearse.jsonl",
            Entry(
                "10:00:00",
                "INFO",
                """{"event":"phase_ended","phase":"rehearse","seconds":30,"message":"Rehearse the pause: 20 pauses, 90 ms"}"""
            )
        );

        var (_, report, _) = await ReportAsync(("SLUG", "acme-corp"), ("TITLE", "Rehearsal"), ("PROMOTED", promoted));

        Assert.Contains(said, report);
        Assert.Contains("Rehearse the pause: 20 pauses, 90 ms.", report);
        Assert.DoesNotContain(unsaid, report);
    }

    [Fact]
    public async Task A_log_cannot_write_markup_into_the_report()
    {
        await WriteAsync(
            "report-2-promote/promote.jsonl",
            Entry(
                "10:00:00",
                "INFO",
                """{"event":"phase_started","phase":"a|b\n```\n<img src=x> @everyone :crit, 1","message":""}"""
            ),
            """
            {"severity":"ERROR","textPayload":"<!-- promotion --> [click](https://evil.example) @admin `x`\n# head"}
            """
        );

        var (_, report, _) = await ReportAsync(("SLUG", "acme-corp"), ("PROMOTED", "failure"));

        Assert.DoesNotContain("<img", report);
        Assert.DoesNotContain("@everyone", report);
        Assert.DoesNotContain("@admin", report);
        Assert.DoesNotContain("](", report);
        Assert.DoesNotContain("<!--", report);
        Assert.Equal(2, report.Split('\n').Count(line => line.StartsWith("```", StringComparison.Ordinal)));
        Assert.Single(
            report.Split('\n'),
            line => line.Contains(" :crit, ", StringComparison.Ordinal) && !line.StartsWith('|')
        );
    }

    [Fact]
    public async Task Where_no_tenant_was_found_the_report_says_why_and_needs_no_log()
    {
        Directory.Delete(Folder);

        var (exitCode, report, _) = await ReportAsync(
            ("SLUG", ""),
            ("REFUSAL", "The label names acme, the title @all."),
            ("RESOLVED", "failure"),
            ("VALIDATED", "skipped"),
            ("PROMOTED", "skipped")
        );

        Directory.CreateDirectory(Folder);
        Assert.Equal(0, exitCode);
        Assert.Contains("### Promotion did not finish (resolve: failure)", report);
        Assert.Contains("The label names acme, the title &#64;all.", report);
        Assert.Contains("Nothing was changed.", report);
    }

    [Fact]
    public async Task A_build_that_fails_is_not_reported_as_a_wrong_name()
    {
        var (_, report, _) = await ReportAsync(
            ("RESOLVED", "failure"),
            ("VALIDATED", "skipped"),
            ("PROMOTED", "skipped")
        );

        Assert.Contains("It ended before a tenant was found, and not by a refusal", report);
    }

    [Fact]
    public async Task A_job_that_left_no_log_is_said_to_have_left_none()
    {
        var (_, report, _) = await ReportAsync(("VALIDATED", "failure"), ("PROMOTED", "skipped"));

        Assert.Contains("Nothing that the migrator logged arrived here.", report);
    }

    [Fact]
    public async Task A_stack_that_a_dead_run_left_locked_is_unlocked_first()
    {
        await WriteAsync("report-2-promote/infrastructure.txt", "error: the stack is currently locked by 1 lock(s).");

        var (_, report, _) = await ReportAsync(("SLUG", "acme-corp"), ("PROMOTED", "failure"));

        Assert.Contains("run the workflow *Unlock*, then put the label on again", report);
        Assert.DoesNotContain("Re-run failed jobs", report);
    }

    [Fact]
    public async Task A_report_tells_a_tenant_that_was_not_cut_over_from_one_that_was_not_copied()
    {
        await WriteAsync(
            "report-3-cut-over/cutover.jsonl",
            Entry("10:00:00.000", "ERROR", """{"message":"It holds again."}""")
        );

        var (_, report, _) = await ReportAsync(("SLUG", "acme-corp"), ("CUT_OVER", "failure"));

        Assert.Contains("(cut over: failure)", report);
        Assert.Contains("The tenant holds before its cutover, or has moved", report);
    }

    /// <summary>A line of timed.sh.</summary>
    internal static string Step(string name, string from, string to, int status) =>
        $$"""{"name":"{{name}}","started":"2026-01-01T{{from}}Z","ended":"2026-01-01T{{to}}Z","status":{{status}}}""";

    /// <summary>A line of run-migrator.sh.</summary>
    internal static string Entry(string time, string severity, string payload) =>
        $$"""{"timestamp":"2026-01-01T{{time}}Z","severity":"{{severity}}","jsonPayload":{{payload}}}""";

    Task<(int ExitCode, string Output, string Error)> ReportAsync(params (string Name, string Value)[] environment) =>
        Tool.RunAsync(
            "node",
            [Path.Combine(StackFiles.Root, ".github/scripts/report.mjs"), Folder],
            environment: environment
        );
}
