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

    [Fact]
    public async Task The_migrators_job_runs_with_its_arguments_and_the_log_of_that_execution_is_kept()
    {
        await FakeGcloudAsync(exitCodes: [0]);

        var result = await RunMigratorAsync("verify", "--tenant-slug=acme-corp");

        Assert.True(result.ExitCode == 0, result.Error);
        var calls = await CallsAsync();
        Assert.Equal(
            "run jobs execute migrator-acme-corp --project p --region r "
                + "--args=verify,--tenant-slug=acme-corp --async --format value(metadata.name)",
            calls[0]
        );
        Assert.Contains("execution_name\"=\"execution-1\"", calls[^1]);
        Assert.Equal("hello 1", (await LogAsync())[0]);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_refusal_is_not_repeated_and_its_exit_code_is_the_steps(int exitCode)
    {
        await FakeGcloudAsync(exitCodes: [exitCode]);

        var result = await RunMigratorAsync();

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(["hello 1"], await LogAsync());
    }

    [Fact]
    public async Task What_failed_on_the_way_runs_again_and_all_that_was_logged_is_kept()
    {
        await FakeGcloudAsync(exitCodes: [137, 1, 0]);

        var result = await RunMigratorAsync();

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(["hello 1", "hello 2", "hello 3"], await LogAsync());
    }

    [Fact]
    public async Task What_fails_again_and_again_ends_with_the_last_exit_code()
    {
        await FakeGcloudAsync(exitCodes: [1, 1, 137]);

        Assert.Equal(137, (await RunMigratorAsync()).ExitCode);
        Assert.Equal(3, (await LogAsync()).Count);
    }

    [Fact]
    public async Task An_execution_that_may_not_be_read_ends_the_step_with_the_reason()
    {
        await FakeAsync(
            "gcloud",
            """
            case "$*" in
              "run jobs execute "*) echo execution-1 ;;
              *) echo "ERROR: PERMISSION_DENIED: run.executions.get" >&2; exit 1 ;;
            esac
            """
        );

        var result = await RunMigratorAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Execution execution-1 was started and cannot be read: ERROR: PERMISSION_DENIED", result.Error);
    }

    /// <summary>Cloud Run: an execution is unknown at first, then it runs, then it has ended with its exit code.</summary>
    Task FakeGcloudAsync(int[] exitCodes) =>
        FakeAsync(
            "gcloud",
            $$$"""
            codes=(0 {{{string.Join(' ', exitCodes)}}})
            printf '%s\n' "$*" >> "{{{folder}}}/calls"
            count() { grep -c "$1" "{{{folder}}}/calls"; }
            number=$(count "run jobs execute")
            case "$*" in
              "run jobs execute "*) echo "execution-$number" ;;
              "run jobs executions describe execution-$number "*)
                case "$(count "describe execution-$number ")" in
                  1) exit 1 ;;
                  2) echo '{"status":{"conditions":[{"type":"Completed","status":"Unknown"}]}}' ;;
                  *) completed=False; if [ "${codes[number]}" = 0 ]; then completed=True; fi
                     echo "{\"status\":{\"conditions\":[{\"type\":\"Completed\",\"status\":\"$completed\"}]}}" ;;
                esac ;;
              *"tasks list --execution execution-$number "*)
                echo "[{\"status\":{\"lastAttemptResult\":{\"exitCode\":${codes[number]} } } }]" ;;
              "logging read"*)
                echo "[{\"severity\":\"INFO\",\"insertId\":\"a\",\"jsonPayload\":{\"message\":\"hello $number\"}}]" ;;
            esac
            """
        );

    Task<(int ExitCode, string Output, string Error)> RunMigratorAsync(params string[] arguments) =>
        Tool.RunAsync(
            "bash",
            [
                Path.Combine(StackFiles.Root, ".github/scripts/run-migrator.sh"),
                "migrator-acme-corp",
                $"{folder}/log.jsonl",
                .. arguments,
            ],
            environment:
            [
                ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"),
                ("PROJECT", "p"),
                ("REGION", "r"),
                ("LOG_DELAY", "0"),
                ("POLL_DELAY", "0"),
                ("RETRY_DELAY", "0"),
                ("MAX_SILENCE", "3"),
            ]
        );

    Task<string[]> CallsAsync() => File.ReadAllLinesAsync($"{folder}/calls", TestContext.Current.CancellationToken);

    async Task<IReadOnlyList<string?>> LogAsync() =>
        [
            .. (await File.ReadAllLinesAsync($"{folder}/log.jsonl", TestContext.Current.CancellationToken)).Select(
                line =>
                    JsonDocument.Parse(line).RootElement.GetProperty("jsonPayload").GetProperty("message").GetString()
            ),
        ];

    [Theory]
    [InlineData(200, 200, 0)]
    [InlineData(503, 200, 1)]
    [InlineData(200, 503, 1)]
    [InlineData(0, 200, 1)]
    [InlineData(404, 404, 1)]
    public async Task Health_means_that_every_program_answers_with_success(int api, int ui, int exitCode)
    {
        using var first = new Answering(api);
        using var second = new Answering(ui);

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/health.sh", first.Url, second.Url],
            environment: [("ATTEMPTS", "1"), ("DELAY", "1")]
        );

        Assert.True(exitCode == result.ExitCode, result.Error);
        if (exitCode != 0)
            Assert.Contains($"{(api == 200 ? second : first).Url} does not answer with success.", result.Error);
    }

    [Fact]
    public async Task A_program_that_comes_up_late_is_healthy()
    {
        using var late = new Answering(503, 503, 200);

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/health.sh", late.Url],
            environment: [("ATTEMPTS", "3"), ("DELAY", "1")]
        );

        Assert.True(result.ExitCode == 0, result.Error);
    }

    [Theory]
    [InlineData("echo value", 0, "PROJECT=value\nJOB=value\n")]
    [InlineData("exit 1", 1, "")]
    [InlineData("true", 1, "")]
    public async Task An_output_that_cannot_be_read_ends_the_step(string pulumi, int exitCode, string expected)
    {
        await FakeAsync("pulumi", pulumi);

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/outputs.sh", ".", "acme-corp", "PROJECT=project", "JOB=migrationJob"],
            environment: ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}")
        );

        Assert.Equal((exitCode, expected), (result.ExitCode, result.Output));
        if (exitCode != 0)
            Assert.Contains("Stack acme-corp has no output 'project' that can be read.", result.Error);
    }

    [Theory]
    [InlineData("", "", 0, "merge=merge-1")]
    [InlineData("\"OPEN\"", "\"CLOSED\"", 2, "is not open")]
    [InlineData("\"OPEN\"", "\"MERGED\"", 2, "is not open")]
    [InlineData("\"isDraft\":false", "\"isDraft\":true", 2, "is a draft")]
    [InlineData("\"baseRefName\":\"main\"", "\"baseRefName\":\"mine\"", 2, "does not go to main")]
    [InlineData("\"headRefOid\":\"head-1\"", "\"headRefOid\":\"head-2\"", 2, "was pushed to after the label")]
    [InlineData("MERGEABLE", "CONFLICTING", 2, "has conflicts with main")]
    [InlineData("MERGEABLE", "UNKNOWN", 2, "has conflicts with main")]
    [InlineData("\"APPROVED\"", "\"REVIEW_REQUIRED\"", 2, "is not approved by a code owner")]
    [InlineData("\"APPROVED\"", "null", 2, "is not approved by a code owner")]
    [InlineData("{\"oid\":\"main-1\"},", "{\"oid\":\"main-0\"},", 2, "is not merged with the newest main")]
    [InlineData("\"success\"", "\"failure\"", 2, "is not green: tests")]
    [InlineData("\"name\":\"tests\"", "\"name\":\"mine\"", 2, "is not green: tests")]
    [InlineData("\"success\"", "null", 2, "is not green: tests")]
    public async Task Only_what_is_open_approved_green_and_merged_with_main_is_promoted(
        string from,
        string to,
        int exitCode,
        string said
    )
    {
        var facts = """
            {"defaultBranchRef":{"name":"main","target":{"oid":"main-1"}},"pullRequest":{"state":"OPEN","isDraft":false,
            "mergeable":"MERGEABLE","reviewDecision":"APPROVED","headRefOid":"head-1","baseRefName":"main",
            "potentialMergeCommit":{"oid":"merge-1","parents":{"nodes":[{"oid":"main-1"},{"oid":"head-1"}]}}}}
            """;
        var checks = """{"name":"tests","conclusion":"success"}""";
        string Changed(string text) => from == "" ? text : text.Replace(from, to, StringComparison.Ordinal);
        await WriteAsync("facts.json", Changed(facts));
        await WriteAsync("checks.json", Changed(checks));
        await FakeAsync(
            "gh",
            $"""
            case "$*" in
              *graphql*) cat "{folder}/facts.json" ;;
              *check-runs*) cat "{folder}/checks.json" ;;
            esac
            """
        );

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/mergeable.sh", "7", "head-1"],
            environment:
            [
                ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"),
                ("GITHUB_REPOSITORY", "o/r"),
                ("REQUIRED_CHECKS", "[\"tests\"]"),
                ("POLL_DELAY", "0"),
            ]
        );

        Assert.True(exitCode == result.ExitCode, result.Error);
        Assert.Contains(said, exitCode == 0 ? result.Output : result.Error);
        Assert.Equal(exitCode == 0, result.Output.Contains("merge=", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(
        "echo 'key=value'; echo 'first' >&2; echo 'No tenant is named.' >&2; exit 2",
        2,
        "refusal=No tenant is named.\n"
    )]
    [InlineData("echo 'Build failed.' >&2; exit 1", 1, "")]
    [InlineData("true", 0, "")]
    public async Task A_refusal_is_noted_in_its_own_words_and_any_other_failure_is_not(
        string command,
        int exitCode,
        string noted
    )
    {
        await WriteAsync("output");

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/said.sh", "bash", "-c", command],
            environment: ("GITHUB_OUTPUT", $"{folder}/output")
        );

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(noted, await File.ReadAllTextAsync($"{folder}/output", TestContext.Current.CancellationToken));
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

    [Theory]
    [InlineData("RUNNABLE", "tenant_acme_corp", 0)]
    [InlineData("FAILED", "tenant_acme_corp", 1)]
    [InlineData("RUNNABLE", "tenant_acme", 1)]
    public async Task A_drill_restores_the_tenants_database_and_leaves_no_clone_behind(
        string state,
        string database,
        int exitCode
    )
    {
        await FakeAsync(
            "gcloud",
            $$"""
            printf '%s\n' "$*" >> "{{folder}}/calls"
            case "$*" in
              *"value(state)"*) echo {{state}} ;;
              "sql databases list"*) printf 'postgres\n{{database}}\n' ;;
            esac
            """
        );

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/restore-drill.sh", "db-acme-corp-1a2b3c4", "tenant_acme_corp"],
            environment: [("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"), ("PROJECT", "p")]
        );

        Assert.True(exitCode == result.ExitCode, result.Error);
        var calls = await CallsAsync();
        Assert.Matches("^sql instances clone db-acme-corp-1a2b3c4 drill-[0-9-]+ --point-in-time 20", calls[0]);
        Assert.StartsWith("sql instances delete drill-", calls[^1]);
        Assert.DoesNotContain(calls, call => call.Contains("delete db-", StringComparison.Ordinal));
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
        Assert.Contains("*Re-run failed jobs* on this run goes on where it stopped", report);
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
        Directory.Delete(folder);

        var (exitCode, report, _) = await ReportAsync(
            ("SLUG", ""),
            ("REFUSAL", "The label names acme, the title @all."),
            ("RESOLVED", "failure"),
            ("VALIDATED", "skipped"),
            ("PROMOTED", "skipped")
        );

        Directory.CreateDirectory(folder);
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

    [Theory]
    [InlineData("a.md", "[]", "api --method POST repos/o/r/issues --raw-field title=")]
    [InlineData(
        "a.md",
        """[{"number":4,"title":"The cloud is not what is declared"}]""",
        "api --method PATCH repos/o/r/issues/4 --field body="
    )]
    [InlineData(
        null,
        """[{"number":4,"title":"The cloud is not what is declared"}]""",
        "api --method PATCH repos/o/r/issues/4 --raw-field state=closed"
    )]
    [InlineData(null, """[{"number":4,"title":"Another"}]""", null)]
    public async Task A_difference_has_one_issue_which_closes_when_there_is_none(
        string? file,
        string issues,
        string? call
    )
    {
        await WriteAsync("issues.json", issues);
        if (file is not null)
            await WriteAsync($"drifts/{file}", "### `acme-corp`");
        await FakeAsync(
            "gh",
            $"""
            case "$*" in
              *--paginate*) cat "{folder}/issues.json" ;;
              *) printf '%s\n' "$*" >> "{folder}/calls" ;;
            esac
            """
        );

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/drift-issue.sh", $"{folder}/drifts"],
            environment:
            [
                ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"),
                ("GITHUB_REPOSITORY", "o/r"),
            ]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        if (call is null)
            Assert.False(File.Exists($"{folder}/calls"));
        else
            Assert.StartsWith(call, Assert.Single(await CallsAsync()));
    }

    // The sentences of HoldMessages.Detached.
    [Theory]
    [InlineData(
        "'acme' is copied and verified. A cutover now would pause its writes for 161 to 273 ms. The process ends; …",
        "161 to 273 ms"
    )]
    [InlineData("Everything else.", "no forecast")]
    public async Task The_second_approver_sees_the_forecast_of_the_pause(string said, string forecast)
    {
        await WriteAsync(
            "promote.jsonl",
            Entry(
                    "10:00:00.000",
                    "INFO",
                    """{"message":"A cutover now would pause its writes for 1 to 2 ms. An earlier run."}"""
                )
                .Replace(forecast == "no forecast" ? "1 to 2" : "nothing", "some", StringComparison.Ordinal),
            """{"timestamp":"2026-01-01T10:00:00Z","severity":"ERROR","textPayload":"No JSON.","jsonPayload":null}""",
            Entry("10:00:01.000", "INFO", $$"""{"message":"{{said}}"}""")
        );

        var result = await Tool.RunAsync(
            "bash",
            [
                Path.Combine(StackFiles.Root, ".github/scripts/forecast.sh"),
                $"{folder}/promote.jsonl",
                $"{folder}/summary",
            ]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal($"forecast={forecast}\n", result.Output);
        Assert.Contains(
            $"**{forecast}**",
            await File.ReadAllTextAsync($"{folder}/summary", TestContext.Current.CancellationToken)
        );
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

    Task FakeAsync(string program, string script) => Tool.FakeAsync(folder, program, script);
}
