using Infra.Tests.Support;
using static Infra.Tests.Support.WorkflowFile;

namespace Infra.Tests;

/// <summary>What Drift and the drill look at: stacks that exist, and no secret of theirs.</summary>
public sealed class DriftScriptTests : ScriptTests
{
    [Fact]
    public async Task A_settings_file_that_no_stack_was_made_from_is_an_example_and_passed_over_with_a_sentence()
    {
        await WriteAsync("Pulumi.acme-corp.yaml", "config:", "  tenant:tier: premium");
        await WriteAsync("Pulumi.globex.yaml", "secretsprovider: gcpkms://projects/p", "encryptedkey: abc", "config:");
        await WriteAsync("platform/Pulumi.prod.yaml", "encryptedkey: abc", "config:");
        await Tool.RunAsync("git", ["init", "--quiet"], Folder);
        await Tool.RunAsync("git", ["add", "--all"], Folder);

        var result = await Tool.RunAsync(
            "bash",
            [Path.Combine(StackFiles.Root, ".github", "scripts", "deployed.sh")],
            Folder,
            environment: ("GITHUB_STEP_SUMMARY", $"{Folder}/summary")
        );

        Assert.Equal((0, "stacks=[\"globex\"]"), (result.ExitCode, result.Output.Trim()));
        Assert.Equal(
            "Pulumi.acme-corp.yaml is an example and passed over: it has no key, which 'pulumi stack init' writes into "
                + "a stack's file.\n",
            await ReadAsync($"{Folder}/summary")
        );
    }

    [Fact]
    public async Task No_stack_exists_in_a_fresh_copy_of_the_repository()
    {
        var result = await Tool.RunAsync("bash", [".github/scripts/deployed.sh"]);

        Assert.Equal((0, "stacks=[]"), (result.ExitCode, result.Output.Trim()));
    }

    [Theory]
    [InlineData("""echo '[{"name":"dev"},{"name":"acme-corp"}]'""", 0, "exists=true\n", "")]
    [InlineData("""echo '[{"name":"organization/tenant/acme-corp"}]'""", 0, "exists=true\n", "")]
    [InlineData(
        """echo '[{"name":"acme-corp-2"}]'""",
        0,
        "exists=false\n",
        "There is no stack acme-corp, and nothing to look at. Delete Pulumi.acme-corp.yaml if the tenant is gone.\n"
    )]
    [InlineData("echo '[]'", 0, "exists=false\n", null)]
    // What cannot be read is not gone.
    [InlineData("echo 'AccessDenied' >&2; exit 255", 255, "", "AccessDenied\n")]
    public async Task A_stack_that_does_not_exist_is_passed_over_with_a_sentence(
        string pulumi,
        int exitCode,
        string output,
        string? said
    )
    {
        await FakeAsync("pulumi", pulumi);

        var result = await Tool.RunAsync("bash", [".github/scripts/exists.sh", "acme-corp"], environment: [FakesFirst]);

        Assert.Equal((exitCode, output), (result.ExitCode, result.Output));
        Assert.Equal(said ?? result.Error, result.Error);
    }

    [Theory]
    [InlineData("drift.yml", "drift")]
    [InlineData("restore-drill.yml", "drill")]
    public void What_does_not_exist_is_not_looked_at(string file, string name)
    {
        var jobs = Jobs(file).ToDictionary(job => job.Name, job => job.Node);
        var steps = Steps(jobs[name]).ToList();
        var asked = steps.FindIndex(step => Scalar(step, "id") == "exists");

        Assert.Contains("deployed.sh", Scalar(Steps(jobs["stacks"]).Last(), "run"));
        Assert.Contains("exists.sh", Scalar(steps[asked], "run"));
        // What asks the cloud for secrets' values stands in drift.sh, which passes them by.
        Assert.DoesNotContain("pulumi preview", File.ReadAllText(Path.Combine(WorkflowFile.Folder, file)));
        Assert.All(
            steps.Skip(asked + 1).Where(step => Scalar(step, "run") is { } run && run.Contains("scripts/")),
            step => Assert.Equal("steps.exists.outputs.exists == 'true'", Scalar(step, "if"))
        );
    }

    [Theory]
    [InlineData("true", 0)]
    [InlineData("case $* in *--refresh*) exit 1 ;; esac", 1)]
    [InlineData("case $* in *--refresh*) ;; *) exit 1 ;; esac", 1)]
    public async Task Drift_compares_with_state_and_cloud_and_asks_the_cloud_for_no_secrets_value(
        string pulumi,
        int exitCode
    )
    {
        await FakeAsync("pulumi", $"printf '%s\\n' \"$*\" >> {Folder}/calls\n{pulumi}");

        var result = await Tool.RunAsync("bash", [".github/scripts/drift.sh", "acme-corp"], environment: [FakesFirst]);

        Assert.Equal(exitCode, result.ExitCode);
        var calls = await CallsAsync();
        Assert.Equal(2, calls.Length);
        Assert.All(calls, call => Assert.StartsWith("preview --stack acme-corp --expect-no-changes --diff ", call));
        Assert.DoesNotContain("--exclude", calls[0]);
        // The name of the type, as the stack's own secret versions have it.
        var version = (await Graph.OfAsync("acme-corp")).All("SecretVersion")[0].Type;
        Assert.EndsWith($" --refresh --exclude **{version}::*", calls[1]);
    }
}
