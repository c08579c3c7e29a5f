using System.Text.Json;
using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What the workflow Promote decides and asks.</summary>
public sealed class PromoteScriptTests : ScriptTests
{
    [Theory]
    [InlineData("true", 0)]
    [InlineData("false", 1)]
    public async Task A_step_notes_when_it_ran_and_how_it_ended_and_ends_the_same_way(string command, int exitCode)
    {
        var timeline = Path.Combine(Folder, "report", "timeline.jsonl");

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
            environment: FakesFirst
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
    [InlineData("\"behind_by\":0", "\"behind_by\":2", 2, "is 2 commits behind main")]
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
        await WriteAsync("compared.json", Changed("""{"behind_by":0}"""));
        await FakeAsync(
            "gh",
            $"""
            case "$*" in
              *graphql*) cat "{Folder}/facts.json" ;;
              *check-runs*) cat "{Folder}/checks.json" ;;
              *compare/main-1...head-1*) jq .behind_by "{Folder}/compared.json" ;;
            esac
            """
        );

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/mergeable.sh", "7", "head-1"],
            environment:
            [
                FakesFirst,
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
            environment: ("GITHUB_OUTPUT", $"{Folder}/output")
        );

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(noted, await File.ReadAllTextAsync($"{Folder}/output", TestContext.Current.CancellationToken));
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
            ReportScriptTests
                .Entry(
                    "10:00:00.000",
                    "INFO",
                    """{"message":"A cutover now would pause its writes for 1 to 2 ms. An earlier run."}"""
                )
                .Replace(forecast == "no forecast" ? "1 to 2" : "nothing", "some", StringComparison.Ordinal),
            """{"timestamp":"2026-01-01T10:00:00Z","severity":"ERROR","textPayload":"No JSON.","jsonPayload":null}""",
            ReportScriptTests.Entry("10:00:01.000", "INFO", $$"""{"message":"{{said}}"}""")
        );

        var result = await Tool.RunAsync(
            "bash",
            [
                Path.Combine(StackFiles.Root, ".github/scripts/forecast.sh"),
                $"{Folder}/promote.jsonl",
                $"{Folder}/summary",
            ]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal($"forecast={forecast}\n", result.Output);
        Assert.Contains(
            $"**{forecast}**",
            await File.ReadAllTextAsync($"{Folder}/summary", TestContext.Current.CancellationToken)
        );
    }
}
