using System.Text.RegularExpressions;
using Infra.Tests.Support;
using static Infra.Tests.Support.WorkflowFile;

namespace Infra.Tests;

/// <summary><i>Re-run failed jobs</i>: the steps of Promote as they stand in its file, with programs that stand in.</summary>
public sealed class RerunTests : ScriptTests
{
    [Fact]
    public async Task A_rerun_goes_on_after_the_infrastructure_and_reads_the_outputs_anew()
    {
        await FakeCloudAsync(failing: "promote");
        Assert.Equal("Copy, verify and hold", await AttemptAsync("promote"));
        Assert.Equal(
            ["up", "output", "output", "output", "output", "output", "output", "promote", "promote", "promote"],
            await DoneAsync()
        );

        await FakeCloudAsync(failing: "nothing");
        Assert.Null(await AttemptAsync("promote"));

        // The outputs are read again, for somebody may have changed the stack; the plan is not applied again.
        Assert.Equal(["output", "output", "output", "output", "output", "output", "promote"], await DoneAsync());
        Assert.Contains("PROJECT=value\n", await ReadAsync($"{Folder}/output"));
        var timeline = await File.ReadAllLinesAsync(
            $"{Folder}/report/timeline.jsonl",
            TestContext.Current.CancellationToken
        );
        Assert.Equal(3, timeline.Length);
    }

    [Fact]
    public async Task A_rerun_applies_the_plan_that_an_earlier_attempt_did_not_get_through()
    {
        await FakeCloudAsync(failing: "up");
        Assert.Equal("Infrastructure", await AttemptAsync("promote"));
        await DoneAsync();

        await FakeCloudAsync(failing: "nothing");
        Assert.Null(await AttemptAsync("promote"));

        Assert.Equal("up", (await DoneAsync())[0]);
    }

    [Fact]
    public async Task A_rehearsal_makes_the_infrastructure_and_runs_no_other_verb()
    {
        await FakeCloudAsync(failing: "nothing");

        Assert.Null(await AttemptAsync("promote", "Rehearse"));

        Assert.Equal(
            ["up", "output", "output", "output", "output", "output", "output", "promote --rehearse"],
            await DoneAsync()
        );
    }

    [Fact]
    public async Task A_rerun_does_not_cut_over_a_tenant_that_has_moved_and_compares_it_again()
    {
        await FakeCloudAsync(failing: "verify");
        Assert.Equal("Compare both sides", await AttemptAsync("cut-over"));
        Assert.Equal(["cutover", "verify", "verify", "verify"], await DoneAsync());

        await FakeCloudAsync(failing: "nothing");
        Assert.Null(await AttemptAsync("cut-over"));

        Assert.Equal(["verify", "health", "health"], await DoneAsync());
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("""{"name":"Infrastructure","status":1}""", "")]
    [InlineData("""{"name":"Another","status":0}""", "")]
    [InlineData("""{"name":"Infrastructure","status":0}""", "infrastructure=done\n")]
    [InlineData(
        "{\"name\":\"Infrastructure\",\"status\":1}\n{\"name\":\"Infrastructure\",\"status\":0}\n{\"na",
        "infrastructure=done\n"
    )]
    public async Task What_is_not_known_to_be_done_is_done_again(string timeline, string expected)
    {
        if (timeline != "")
            await WriteAsync("timeline.jsonl", timeline);

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/earlier.sh", $"{Folder}/timeline.jsonl", "infrastructure=Infrastructure"]
        );

        Assert.Equal((0, expected), (result.ExitCode, result.Output));
    }

    [Theory]
    [InlineData("promote")]
    [InlineData("cut-over")]
    public void The_record_of_an_attempt_is_there_for_the_next_one_and_replaced_by_it(string name)
    {
        var steps = Steps(Jobs("promote.yml").Single(job => job.Name == name).Node).ToList();
        var kept = steps.Last(step =>
            Scalar(step, "uses")?.StartsWith("actions/upload-artifact@", StringComparison.Ordinal) == true
        );
        var found = steps.First(step => Scalar(step, "if") == "github.run_attempt > 1");

        Assert.Equal("always()", Scalar(kept, "if"));
        Assert.Equal("true", Scalar(Mapping(kept, "with")!, "overwrite"));
        Assert.Equal(Scalar(Mapping(kept, "with")!, "name"), Scalar(Mapping(found, "with")!, "name"));
        Assert.Equal("true", Scalar(found, "continue-on-error"));
    }

    /// <summary>Runs a job's own steps until one fails, and tells which one did.</summary>
    async Task<string?> AttemptAsync(string name, string verb = "Promote")
    {
        Directory.CreateDirectory(Path.Combine(Folder, "plan"));
        if (!Directory.Exists(Path.Combine(Folder, ".github")))
            Directory.CreateSymbolicLink(Path.Combine(Folder, ".github"), Path.Combine(StackFiles.Root, ".github"));
        await WriteAsync("env");
        await WriteAsync("output");
        foreach (var step in Steps(Jobs("promote.yml").Single(job => job.Name == name).Node))
            if (Scalar(step, "run") is { } run && await IsDueAsync(Scalar(step, "if"), verb))
            {
                var result = await Tool.RunAsync(
                    "bash",
                    ["-eo", "pipefail", "-c", run],
                    Folder,
                    "",
                    await VariablesAsync()
                );
                TestContext.Current.TestOutputHelper?.WriteLine(
                    $"{Scalar(step, "name")}: {result.ExitCode} {result.Error}"
                );
                if (result.ExitCode != 0)
                    return Scalar(step, "name");
            }
        return null;
    }

    // A condition asks an output of an earlier step or which label was put on, or there is none.
    async Task<bool> IsDueAsync(string? condition, string verb)
    {
        if (condition is null)
            return true;
        if (Regex.Match(condition, @"^needs\.resolve\.outputs\.verb == '(\w+)'$") is { Success: true } asked)
            return asked.Groups[1].Value == verb;
        var done = Regex.Match(condition, @"^steps\.earlier\.outputs\.(\w+) != 'done'$").Groups[1].Value + "=done";
        return !(await ReadAsync($"{Folder}/output")).Contains(done, StringComparison.Ordinal);
    }

    async Task<(string, string)[]> VariablesAsync() =>
        [
            FakesFirst,
            ("GITHUB_OUTPUT", $"{Folder}/output"),
            ("GITHUB_ENV", $"{Folder}/env"),
            ("GITHUB_STEP_SUMMARY", $"{Folder}/summary"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("REQUIRED_CHECKS", "[]"),
            ("TIMELINE", "report/timeline.jsonl"),
            ("SLUG", "acme-corp"),
            ("MERGE", "merge-1"),
            ("PULL_REQUEST", "7"),
            ("HEAD", "head-1"),
            ("PROJECT", "p"),
            ("REGION", "r"),
            ("JOB", "j"),
            ("API_URL", "https://api"),
            ("UI_URL", "https://ui"),
            ("LOG_DELAY", "0"),
            ("POLL_DELAY", "0"),
            ("RETRY_DELAY", "0"),
            .. (await File.ReadAllLinesAsync($"{Folder}/env", TestContext.Current.CancellationToken))
                .Where(line => line.Contains('='))
                .Select(line => (line.Split('=')[0], line.Split('=')[1])),
        ];

    /// <summary>GitHub, Google, Pulumi and the tenant's programs; one verb of them fails.</summary>
    async Task FakeCloudAsync(string failing)
    {
        await FakeAsync(
            "gh",
            """
            case "$*" in *check-runs*) ;; *compare*) echo 0 ;; *)
            echo '{"defaultBranchRef":{"name":"main","target":{"oid":"main-1"}},"pullRequest":{"state":"OPEN","isDraft":false,
            "mergeable":"MERGEABLE","reviewDecision":"APPROVED","headRefOid":"head-1",
            "baseRefName":"main","potentialMergeCommit":{"oid":"merge-1","parents":{"nodes":[{"oid":"main-1"},{"oid":"head-1"}]}}}}' ;;
            esac
            """
        );
        await FakeAsync(
            "pulumi",
            $"""
            case "$*" in
              *" up "*) echo up >> "{Folder}/calls"; [ {failing} != up ] ;;
              *" output "*) echo output >> "{Folder}/calls"; echo value ;;
            esac
            """
        );
        await FakeAsync("curl", $"echo health >> \"{Folder}/calls\"");
        await FakeAsync(
            "gcloud",
            $$$"""
            case "$*" in
              "run jobs execute "*) all=$*; verb=${all##*--args=}; echo "${verb%%,*}" > "{{{Folder}}}/verb"
                case "$all" in *,--rehearse*) more=" --rehearse" ;; esac
                echo "${verb%%,*}${more:-}" >> "{{{Folder}}}/calls"; echo execution-1 ;;
              *describe*) completed=True; if [ "$(cat "{{{Folder}}}/verb")" = {{{failing}}} ]; then completed=False; fi
                echo "{\"status\":{\"conditions\":[{\"type\":\"Completed\",\"status\":\"$completed\"}]}}" ;;
              *) echo '[]' ;;
            esac
            """
        );
    }

    /// <summary>What was done since this was asked last.</summary>
    async Task<string[]> DoneAsync()
    {
        var calls = await CallsAsync();
        File.Delete($"{Folder}/calls");
        return calls;
    }
}
