using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>Settings that the platform's stack says.</summary>
public class PlatformConfigTests
{
    [Fact]
    public async Task What_the_platform_stack_does_not_say_is_missing_and_named()
    {
        var (message, registered) = await Graph.FaultAsync("acme-corp", "acme-corp", ("platformStack", ""));

        Assert.Equal(
            // The rest has a default, or is a plan's.
            StackFiles
                .PlatformOutputs.Keys.Except(["auditProject", "sharedDatabasePort", "projectNumber", "dataKeyRing"])
                .Order(),
            message.Split('\n')[1..].Select(line => line.Split(' ')[3]["tenant:".Length..]).Order()
        );
        Assert.Empty(registered);
    }

    [Fact]
    public async Task What_a_plan_with_a_key_of_its_own_needs_is_missing_and_named()
    {
        var (message, _) = await Graph.FaultAsync("dev", "dev", ("tier", "regulated"), ("machineType", ""));

        Assert.Contains("tenant:dataKeyRing is missing: tier regulated has a key of its own.", message);
        Assert.Contains("tenant:projectNumber is missing: tier regulated has a key of its own.", message);
    }

    [Fact]
    public async Task A_secret_output_of_the_platform_stack_is_called_that_and_not_missing()
    {
        var (message, _) = await Graph.FaultAsync(
            new Cloud { SecretOutputs = ["sharedDatabaseHost"] },
            "acme-corp",
            "acme-corp"
        );

        Assert.Contains(
            "tenant:sharedDatabaseHost is a secret output of the platform stack. Make it a plain one there.",
            message
        );
        Assert.DoesNotContain("is missing", message);
    }

    [Fact]
    public async Task A_platform_stack_that_cannot_be_read_is_one_sentence()
    {
        var (message, registered) = await Graph.FaultAsync(new Cloud { HasPlatform = false }, "acme-corp", "acme-corp");

        Assert.Contains("  - tenant:platformStack is 'organization/platform/prod', which cannot be read: ", message);
        Assert.Contains("'pulumi up' for the platform first.", message);
        Assert.DoesNotContain("   at ", message);
        Assert.Empty(registered);
    }

    [Fact]
    public async Task The_stacks_own_file_goes_before_the_platform_stack()
    {
        var graph = await Graph.OfAsync("acme-corp", ("dnsDomain", "elsewhere.example.org."));

        Assert.Equal(
            "https://api-acme-corp.elsewhere.example.org",
            await Pulumi.Utilities.OutputUtilities.GetValueAsync(graph.Outputs.ApiUrl)
        );
    }
}
