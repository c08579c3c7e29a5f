using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>A pull request's preview, which has no identity, no state and no secrets.</summary>
public sealed class OfflinePreviewTests : ScriptTests
{
    [Theory]
    [InlineData("dev")]
    [InlineData("acme-corp")]
    public async Task A_preview_without_an_identity_needs_no_key_no_state_and_no_platform(string stack)
    {
        var file = Path.Combine(Folder, $"Pulumi.{stack}.yaml");
        var text = await ReadAsync(Path.Combine(StackFiles.Root, $"Pulumi.{stack}.yaml"));
        await File.WriteAllTextAsync(
            file,
            $"secretsprovider: gcpkms://projects/p\nencryptedkey: abc\n{text}\n"
                + "  tenant:databasePassword:\n    secure: v1:abc\n  tenant:signingKey:\n    secure: >-\n      v1:abc\n",
            TestContext.Current.CancellationToken
        );

        var (exitCode, _, error) = await Tool.RunAsync("node", [".github/scripts/offline-settings.mjs", file]);

        Assert.True(exitCode == 0, error);
        Assert.DoesNotMatch("secure|secretsprovider|encryptedkey|platformStack:", Uncommented(await ReadAsync(file)));
        // The program takes what is left, with made-up secrets and no platform stack.
        var settings = StackFiles.Settings(stack);
        foreach (
            var key in settings.Keys.Where(key => key.StartsWith("tenant:platformStack", StringComparison.Ordinal))
        )
            settings.Remove(key);
        foreach (var (key, value) in StackFiles.Values(file))
            settings[key] = value;
        settings["tenant:databasePassword"] = "Made-up-secret-0-of-a-preview-that-nobody-uses";
        var graph = await Graph.DeployAsync(stack, settings);
        Assert.Equal("europe-west3", graph.One("DatabaseInstance").Text("region"));
        Assert.DoesNotContain(graph.Nodes, node => node.Type == "pulumi:pulumi:StackReference");

        static string Uncommented(string yaml) =>
            string.Join('\n', yaml.Split('\n').Where(line => !line.TrimStart().StartsWith('#')));
    }

    [Fact]
    public async Task A_preview_without_an_identity_speaks_to_no_cloud_and_no_state_but_its_own()
    {
        File.Copy(Path.Combine(StackFiles.Root, "Pulumi.dev.yaml"), Path.Combine(Folder, "Pulumi.dev.yaml"));
        var pulumi = Path.Combine(Folder, "pulumi");
        await File.WriteAllTextAsync(
            pulumi,
            $$"""
            #!/usr/bin/env bash
            echo "$PULUMI_BACKEND_URL $GOOGLE_OAUTH_ACCESS_TOKEN $*" >> "{{Folder}}/calls"
            case "$*" in *preview*) echo '{"steps":[]}' ;; esac
            """,
            TestContext.Current.CancellationToken
        );
        await Tool.RunAsync("chmod", ["+x", pulumi]);

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/offline-preview.sh", Folder, "dev", $"{Folder}/out.json"],
            environment: [FakesFirst, ("PULUMI_BACKEND_URL", "gs://the-real-one")]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal("{\"steps\":[]}\n", await ReadAsync($"{Folder}/out.json"));
        Assert.All(
            (await ReadAsync($"{Folder}/calls")).TrimEnd('\n').Split('\n'),
            call => Assert.Matches(@"^file:///\S+ none -C ", call)
        );
    }
}
