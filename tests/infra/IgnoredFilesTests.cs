using System.Text.RegularExpressions;
using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What the manual has a person write into the repository's folder.</summary>
public sealed class IgnoredFilesTests
{
    [Fact]
    public async Task States_and_outputs_that_the_manual_writes_are_not_committed_and_settings_are()
    {
        var manual = await File.ReadAllTextAsync(
            Path.Combine(StackFiles.Root, "docs", "infrastructure.md"),
            TestContext.Current.CancellationToken
        );
        var written = Regex
            .Matches(manual, @"(?:--file|>) ([\w.-]+\.json)\b")
            .Select(match => match.Groups[1].Value)
            .Distinct()
            .ToList();

        Assert.Contains("state.json", written);
        Assert.Contains("pulumi login file://..", manual);
        foreach (var path in written.Append(".pulumi/stacks/prod.json"))
            Assert.Equal(0, await IgnoredAsync(path));
        Assert.Equal(0, await IgnoredAsync("platform/state.json"));
        Assert.Equal(1, await IgnoredAsync("platform/Pulumi.prod.yaml"));
        Assert.Equal(1, await IgnoredAsync("Pulumi.globex.yaml"));
    }

    static async Task<int> IgnoredAsync(string path) =>
        (await Tool.RunAsync("git", ["check-ignore", "--quiet", path])).ExitCode;
}
