using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>Whose approval counts.</summary>
public sealed class OwnersScriptTests : ScriptTests
{
    [Theory]
    [InlineData("* @o/platform\n/infra/ @O/platform-owners @somebody", "", 0, "")]
    [InlineData(
        "* @o/platform\n/infra/ @factory/platform-owners",
        "",
        2,
        "another organisation, @factory/platform-owners,"
    )]
    [InlineData("* @o/gone", "line 1: Unknown owner", 2, "does not understand CODEOWNERS (line 1: Unknown owner)")]
    public async Task Nothing_is_promoted_where_the_owners_are_not_this_organisations(
        string owners,
        string errors,
        int exitCode,
        string said
    )
    {
        await WriteAsync(".github/CODEOWNERS", "# Written by @factory/somebody", owners);
        await FakeAsync("gh", $"printf '%s\\n' '{errors}'");

        var result = await Tool.RunAsync(
            "bash",
            [Path.Combine(StackFiles.Root, ".github/scripts/owners.sh")],
            Folder,
            environment: [FakesFirst, ("GITHUB_REPOSITORY", "o/r")]
        );

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(said, result.Error);
    }

    [Fact]
    public async Task The_owners_that_this_repository_was_given_are_refused_where_it_is_copied_to()
    {
        await FakeAsync("gh", "true");

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/owners.sh"],
            environment: [FakesFirst, ("GITHUB_REPOSITORY", "somebody-else/tenants")]
        );

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("Put owners that may write to somebody-else/tenants into .github/CODEOWNERS", result.Error);
    }
}
