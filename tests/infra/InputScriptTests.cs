using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What the workflows take from people and from a change: stacks and slugs.</summary>
public sealed class InputScriptTests : ScriptTests
{
    [Theory]
    [InlineData("Pulumi.dev.yaml", "stacks=[\"dev\"]")]
    [InlineData("Pulumi.dev.yaml\nPulumi.acme-corp.yaml", "stacks=[\"acme-corp\",\"dev\"]")]
    [InlineData("infra/Edge.cs", "stacks=[\"acme-corp\",\"dev\"]")]
    [InlineData("migrator/Model/Slug.cs", "stacks=[\"acme-corp\",\"dev\"]")]
    [InlineData("Pulumi.dev.yaml\nDirectory.Packages.props", "stacks=[\"acme-corp\",\"dev\",\"platform.prod\"]")]
    [InlineData("platform/Foundation.cs", "stacks=[\"platform.prod\"]")]
    [InlineData("platform/Pulumi.prod.yaml", "stacks=[\"platform.prod\"]")]
    [InlineData("infra/ConfigReader.cs", "stacks=[\"acme-corp\",\"dev\",\"platform.prod\"]")]
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
}
