using System.Text.Json;
using Infra.Tests.Support;

namespace Infra.Tests;

public sealed class WorkflowScriptTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("workflow-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("Pulumi.dev.yaml", "stacks=[\"dev\"]")]
    [InlineData("Pulumi.dev.yaml\nPulumi.acme-corp.yaml", "stacks=[\"acme-corp\",\"dev\"]")]
    [InlineData("infra/Edge.cs", "stacks=[\"acme-corp\",\"dev\"]")]
    [InlineData("migrator/Model/Slug.cs", "stacks=[\"acme-corp\",\"dev\"]")]
    [InlineData("Pulumi.dev.yaml\nDirectory.Packages.props", "stacks=[\"acme-corp\",\"dev\"]")]
    [InlineData("Pulumi.dev.yaml\nREADME.md\nmigrator/Program.cs", "stacks=[\"dev\"]")]
    [InlineData("docs/infrastructure.md\ntests/infra/EdgeTests.cs", "stacks=[]")]
    [InlineData("Pulumi.yaml", "stacks=[\"acme-corp\",\"dev\"]")]
    [InlineData("Pulumi.deleted.yaml", "stacks=[]")]
    [InlineData("Pulumi.$(id).yaml", "stacks=[]")]
    public async Task A_changed_file_previews_its_stack_and_a_changed_program_all_of_them(
        string changed,
        string expected
    )
    {
        var (exitCode, output, error) = await Tool.RunAsync(
            "bash",
            [".github/scripts/stacks.sh"],
            input: changed + "\n"
        );

        Assert.Equal((0, expected), (exitCode, output.Trim()));
        Assert.Empty(error);
    }

    [Theory]
    [InlineData("acme-corp", "acme-corp", 0, "")]
    [InlineData(
        "acme-corp",
        "acme",
        2,
        "The confirmation is not the slug. Start again and type 'acme-corp' in both fields."
    )]
    [InlineData(
        "nobody",
        "nobody",
        2,
        "There is no stack of tenant 'nobody': Pulumi.nobody.yaml is not in this commit."
    )]
    [InlineData(
        "acme-corp; rm -rf /",
        "acme-corp; rm -rf /",
        2,
        "That is no slug. Lower-case letters, digits and single hyphens inside, at most 56 characters."
    )]
    [InlineData(
        "$(id)",
        "$(id)",
        2,
        "That is no slug. Lower-case letters, digits and single hyphens inside, at most 56 characters."
    )]
    [InlineData(
        "../acme-corp",
        "../acme-corp",
        2,
        "That is no slug. Lower-case letters, digits and single hyphens inside, at most 56 characters."
    )]
    public async Task A_rollback_wants_the_slug_of_a_committed_stack_twice(
        string slug,
        string confirmation,
        int exitCode,
        string sentence
    )
    {
        var result = await Tool.RunAsync("bash", [".github/scripts/confirmed.sh", slug, confirmation]);

        Assert.Equal((exitCode, sentence), (result.ExitCode, result.Error.Trim()));
    }

    [Theory]
    [InlineData("true", 0)]
    [InlineData("false", 1)]
    public async Task A_step_notes_when_it_ran_and_how_it_ended_and_ends_the_same_way(string command, int exitCode)
    {
        var timeline = Path.Combine(folder, "report", "timeline.jsonl");

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/timed.sh", "A \"quoted\" name", command],
            environment: ("TIMELINE", timeline)
        );

        Assert.Equal(exitCode, result.ExitCode);
        var line = JsonDocument
            .Parse(Assert.Single(await File.ReadAllLinesAsync(timeline, TestContext.Current.CancellationToken)))
            .RootElement;
        Assert.Equal(
            ("A \"quoted\" name", exitCode),
            (line.GetProperty("name").GetString(), line.GetProperty("status").GetInt32())
        );
        Assert.True(line.GetProperty("started").GetDateTimeOffset() <= line.GetProperty("ended").GetDateTimeOffset());
    }

    [Theory]
    [InlineData("True", 0)]
    [InlineData("False", 1)]
    public async Task The_migrators_job_runs_with_its_arguments_and_the_log_of_that_execution_is_kept_however_it_ends(
        string completed,
        int exitCode
    )
    {
        await FakeAsync(
            "gcloud",
            $$$"""
            printf '%s\n' "$*" >> "{{{folder}}}/calls"
            case "$*" in
              "run jobs execute "*) echo migrator-acme-corp-x7 ;;
              "run jobs executions describe migrator-acme-corp-x7 "*)
                # Nothing is known yet, then it runs, then it has ended.
                case "$(grep -c describe "{{{folder}}}/calls")" in
                  1) exit 1 ;;
                  2) echo '{"status":{"conditions":[{"type":"Completed","status":"Unknown"}]}}' ;;
                  *) echo '{"status":{"conditions":[{"type":"Completed","status":"{{{completed}}}"}]}}' ;;
                esac ;;
              "logging read"*) echo '[{"severity":"INFO","insertId":"a","jsonPayload":{"message":"hello"}}]' ;;
            esac
            """
        );

        var result = await Tool.RunAsync(
            "bash",
            [
                Path.Combine(StackFiles.Root, ".github/scripts/run-migrator.sh"),
                "migrator-acme-corp",
                $"{folder}/log.jsonl",
                "verify",
                "--tenant-slug=acme-corp",
            ],
            environment:
            [
                ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"),
                ("PROJECT", "p"),
                ("REGION", "r"),
                ("LOG_DELAY", "0"),
                ("POLL_DELAY", "0"),
            ]
        );

        Assert.True(exitCode == result.ExitCode, result.Error);
        var calls = await File.ReadAllLinesAsync($"{folder}/calls", TestContext.Current.CancellationToken);
        Assert.Equal(
            "run jobs execute migrator-acme-corp --project p --region r "
                + "--args=verify,--tenant-slug=acme-corp --async --format value(metadata.name)",
            calls[0]
        );
        Assert.Contains("execution_name\"=\"migrator-acme-corp-x7\"", calls[^1]);
        Assert.Equal(
            "hello",
            JsonDocument
                .Parse(await File.ReadAllTextAsync($"{folder}/log.jsonl", TestContext.Current.CancellationToken))
                .RootElement.GetProperty("jsonPayload")
                .GetProperty("message")
                .GetString()
        );
    }

    [Theory]
    [InlineData("[]", "--method POST repos/o/r/issues/7/comments")]
    [InlineData(
        """
            [{"id":1,"user":{"login":"somebody"},"body":"<!-- promotion --> mine"},
             {"id":2,"user":{"login":"github-actions[bot]"},"body":"<!-- promotion -->\nold"}]
            """,
        "--method PATCH repos/o/r/issues/comments/2"
    )]
    public async Task A_comment_is_written_once_and_then_edited_and_nobody_elses_is_touched(
        string comments,
        string expected
    )
    {
        await FakeAsync(
            "gh",
            $$"""
            case "$*" in
              *--paginate*) cat "{{folder}}/comments.json" ;;
              *) printf '%s\n' "$*" >> "{{folder}}/calls"; cat "${@: -1:1}" > /dev/null 2>&1 || true ;;
            esac
            """
        );
        await File.WriteAllTextAsync($"{folder}/comments.json", comments, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync($"{folder}/report.md", "text", TestContext.Current.CancellationToken);

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/comment.sh", "7", "promotion", $"{folder}/report.md"],
            environment:
            [
                ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"),
                ("GITHUB_REPOSITORY", "o/r"),
            ]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains(
            expected,
            Assert.Single(await File.ReadAllLinesAsync($"{folder}/calls", TestContext.Current.CancellationToken))
        );
    }

    [Fact]
    public async Task A_preview_is_quoted_so_that_nothing_in_it_becomes_markup_of_ours()
    {
        await WriteAsync("preview.txt", "+ gcp:sql", "````", "@everyone <img src=x>", "    ~ name");

        var (_, comment, _) = await Tool.RunAsync(
            "bash",
            [".github/scripts/preview.sh", "acme-corp", $"{folder}/preview.txt"]
        );

        var lines = comment.TrimEnd('\n').Split('\n');
        Assert.Equal(["### Preview of `acme-corp`", ""], lines[..2]);
        Assert.All(lines[2..], line => Assert.StartsWith("    ", line));
    }

    [Fact]
    public async Task Where_there_was_no_preview_the_comment_says_so()
    {
        var (exitCode, comment, _) = await Tool.RunAsync(
            "bash",
            [".github/scripts/preview.sh", "acme-corp", $"{folder}/preview.txt"]
        );

        Assert.Equal(0, exitCode);
        Assert.Contains("It did not run; the job's log says why.", comment);
    }

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
        Assert.Contains("the label put on again goes on where this stopped", report);
        Assert.Contains("once the tenant is isolated, its job run again completes it", report);
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
    public async Task Where_no_tenant_was_found_the_report_says_so_and_needs_no_log()
    {
        Directory.Delete(folder);

        var (exitCode, report, _) = await ReportAsync(
            ("SLUG", ""),
            ("RESOLVED", "failure"),
            ("VALIDATED", "skipped"),
            ("PROMOTED", "skipped")
        );

        Directory.CreateDirectory(folder);
        Assert.Equal(0, exitCode);
        Assert.Contains("### Promotion did not finish (resolve: failure)", report);
        Assert.Contains("No single committed tenant is named", report);
    }

    /// <summary>A line of timed.sh.</summary>
    static string Step(string name, string from, string to, int status) =>
        $$"""{"name":"{{name}}","started":"2026-01-01T{{from}}Z","ended":"2026-01-01T{{to}}Z","status":{{status}}}""";

    /// <summary>A line of run-migrator.sh.</summary>
    static string Entry(string time, string severity, string payload) =>
        $$"""{"timestamp":"2026-01-01T{{time}}Z","severity":"{{severity}}","jsonPayload":{{payload}}}""";

    Task<(int ExitCode, string Output, string Error)> ReportAsync(params (string Name, string Value)[] environment) =>
        Tool.RunAsync(
            "node",
            [Path.Combine(StackFiles.Root, ".github/scripts/report.mjs"), folder],
            environment: environment
        );

    Task WriteAsync(string path, params string[] lines)
    {
        var file = Path.Combine(folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return File.WriteAllLinesAsync(file, lines, TestContext.Current.CancellationToken);
    }

    async Task FakeAsync(string program, string script)
    {
        var path = Path.Combine(folder, program);
        await File.WriteAllTextAsync(path, $"#!/usr/bin/env bash\n{script}\n", TestContext.Current.CancellationToken);
        await Tool.RunAsync("chmod", ["+x", path]);
    }
}
