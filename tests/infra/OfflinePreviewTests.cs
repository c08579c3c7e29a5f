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
    public async Task The_platform_is_previewed_with_its_own_settings_and_what_they_leave_out_is_made_up()
    {
        var file = Path.Combine(Folder, "Pulumi.prod.yaml");
        await File.WriteAllTextAsync(
            file,
            "secretsprovider: gcpkms://projects/p\nencryptedkey: abc\nconfig:\n  platform:region: us-east1\n"
                + "  platform:sharedDatabasePassword:\n    secure: v1:abc\n",
            TestContext.Current.CancellationToken
        );

        var (exitCode, _, error) = await Tool.RunAsync(
            "node",
            [".github/scripts/offline-settings.mjs", file, "platform"]
        );

        Assert.True(exitCode == 0, error);
        Assert.DoesNotMatch("secure|secretsprovider|encryptedkey|tenant:", await ReadAsync(file));
        var settings = StackFiles.Values(file).ToDictionary(pair => pair.Key["platform:".Length..], pair => pair.Value);
        Assert.Equal("us-east1", settings["region"]);
        // The program takes what there is, but for both secrets.
        string?[] none = ["migratorImage", "imagePublicKey"];
        var (graph, _) = await Graph.PlatformAsync([
            .. settings.Select(pair => (pair.Key, (string?)pair.Value)),
            .. none.Select(key => (key!, (string?)null)),
        ]);
        Assert.Equal("preview-project-pulumi-state", graph.One("Bucket").Text("name"));
    }

    [Theory]
    [InlineData(true, "true")]
    [InlineData(false, "false")]
    public async Task A_platform_is_previewed_before_there_is_one(bool hasProgram, string previewed)
    {
        if (hasProgram)
            await WriteAsync("platform/Pulumi.yaml", "name: platform");
        await FakeAsync(
            "pulumi",
            $$"""
            echo "$*" >> "{{Folder}}/calls"
            case "$*" in *preview*) echo '{"steps":[]}' ;; esac
            """
        );

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/offline-preview.sh", Folder, "platform.prod", $"{Folder}/out.json"],
            environment: [FakesFirst]
        );

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(previewed == "true", File.Exists($"{Folder}/out.json"));
        if (!hasProgram)
            return;

        var calls = await CallsAsync();
        Assert.All(calls, call => Assert.StartsWith($"-C {Folder}/platform ", call));
        Assert.Contains(
            calls,
            call => call.Contains("--secret platform:sharedDatabasePassword", StringComparison.Ordinal)
        );
        Assert.Contains(calls, call => call.Contains("preview --stack prod ", StringComparison.Ordinal));
        Assert.Contains("  platform:projectNumber: \"1", await ReadAsync($"{Folder}/platform/Pulumi.prod.yaml"));
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
