using System.Text.Json;
using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>How a workflow runs the migrator's job.</summary>
public sealed class MigratorScriptTests : ScriptTests
{
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

    // What a tenant's job logs lies in the tenant's own bucket, which may be another project's.
    [Theory]
    [InlineData("projects/audit/locations/r/buckets/audit-acme", "--project audit --location r --bucket audit-acme ")]
    [InlineData("", "--project p ")]
    public async Task The_log_is_read_where_it_is_kept(string bucket, string where)
    {
        await FakeGcloudAsync(exitCodes: [0]);

        var result = await Tool.RunAsync(
            "bash",
            [
                Path.Combine(StackFiles.Root, ".github/scripts/run-migrator.sh"),
                "migrator-acme-corp",
                $"{Folder}/log.jsonl",
            ],
            environment:
            [
                FakesFirst,
                ("PROJECT", "p"),
                ("REGION", "r"),
                ("LOG_BUCKET", bucket),
                ("LOG_DELAY", "0"),
                ("POLL_DELAY", "0"),
            ]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($" {where}", (await CallsAsync())[^1]);
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
            printf '%s\n' "$*" >> "{{{Folder}}}/calls"
            count() { grep -c "$1" "{{{Folder}}}/calls"; }
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
                $"{Folder}/log.jsonl",
                .. arguments,
            ],
            environment:
            [
                FakesFirst,
                ("PROJECT", "p"),
                ("REGION", "r"),
                ("LOG_DELAY", "0"),
                ("POLL_DELAY", "0"),
                ("RETRY_DELAY", "0"),
                ("MAX_SILENCE", "3"),
            ]
        );

    async Task<IReadOnlyList<string?>> LogAsync() =>
        [
            .. (await File.ReadAllLinesAsync($"{Folder}/log.jsonl", TestContext.Current.CancellationToken)).Select(
                line =>
                    JsonDocument.Parse(line).RootElement.GetProperty("jsonPayload").GetProperty("message").GetString()
            ),
        ];
}
