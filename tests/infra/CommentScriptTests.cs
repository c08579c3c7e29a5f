using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What the workflows write into pull requests and issues: once, and then over it.</summary>
public sealed class CommentScriptTests : ScriptTests
{
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
              *--paginate*) cat "{{Folder}}/comments.json" ;;
              *) printf '%s\n' "$*" >> "{{Folder}}/calls"; cat "${@: -1:1}" > /dev/null 2>&1 || true ;;
            esac
            """
        );
        await File.WriteAllTextAsync($"{Folder}/comments.json", comments, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync($"{Folder}/report.md", "text", TestContext.Current.CancellationToken);

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/comment.sh", "7", "promotion", $"{Folder}/report.md"],
            environment: [FakesFirst, ("GITHUB_REPOSITORY", "o/r")]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains(
            expected,
            Assert.Single(await File.ReadAllLinesAsync($"{Folder}/calls", TestContext.Current.CancellationToken))
        );
    }

    [Theory]
    [InlineData("a.md", "failure", "[]", "api --method POST repos/o/r/issues --raw-field title=")]
    [InlineData(
        "a.md",
        "failure",
        """[{"number":4,"title":"The cloud is not what is declared"}]""",
        "api --method PATCH repos/o/r/issues/4 --field body="
    )]
    [InlineData(
        null,
        "success",
        """[{"number":4,"title":"The cloud is not what is declared"}]""",
        "api --method PATCH repos/o/r/issues/4 --raw-field state=closed"
    )]
    [InlineData(null, "success", """[{"number":4,"title":"Another"}]""", null)]
    // A stack that could not be compared may differ.
    [InlineData(null, "failure", """[{"number":4,"title":"The cloud is not what is declared"}]""", null)]
    public async Task A_difference_has_one_issue_which_closes_when_there_is_none(
        string? file,
        string compared,
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
              *--paginate*) cat "{Folder}/issues.json" ;;
              *) printf '%s\n' "$*" >> "{Folder}/calls" ;;
            esac
            """
        );

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/drift-issue.sh", $"{Folder}/drifts"],
            environment: [FakesFirst, ("GITHUB_REPOSITORY", "o/r"), ("COMPARED", compared)]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        if (call is null)
            Assert.False(File.Exists($"{Folder}/calls"));
        else
            Assert.StartsWith(call, Assert.Single(await CallsAsync()));
    }
}
