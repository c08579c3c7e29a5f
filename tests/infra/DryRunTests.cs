using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>What the identity that validates a pull request can start, whatever arguments it gives.</summary>
public sealed class DryRunTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("dry-run-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("acme-corp")]
    [InlineData("a")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task A_slug_is_tried_and_nothing_is_changed(string slug)
    {
        var (exitCode, started) = await RunAsync(slug);

        Assert.Equal(0, exitCode);
        Assert.Equal($"promote --tenant-slug={slug} --dry-run --log-format json", started);
    }

    [Theory]
    [InlineData("promote", "--tenant-slug=acme-corp", "--confirm")]
    [InlineData("finalize", "--tenant-slug=acme-corp", "--confirm")]
    [InlineData("rollback", "--tenant-slug=acme-corp", "--confirm", "--drop-isolated")]
    [InlineData("routes", "--confirm")]
    [InlineData("acme-corp", "--confirm")]
    [InlineData("--confirm")]
    [InlineData("acme-corp --confirm")]
    [InlineData("acme-corp\n--confirm")]
    [InlineData("acme--corp")]
    [InlineData("-acme")]
    [InlineData("Acme")]
    [InlineData("$(id)")]
    [InlineData("")]
    [InlineData]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task Any_other_argument_starts_nothing(params string[] arguments)
    {
        var (exitCode, started) = await RunAsync(arguments);

        Assert.Equal(2, exitCode);
        Assert.Null(started);
    }

    async Task<(int ExitCode, string? Started)> RunAsync(params string[] arguments)
    {
        var program = Path.Combine(folder, "dry-run");
        File.Copy(Path.Combine(StackFiles.Root, "platform", "dry-run.sh"), program);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "migrator"),
            $"#!/bin/sh\nprintf '%s' \"$*\" > '{folder}/started'\n",
            TestContext.Current.CancellationToken
        );
        await Tool.RunAsync("chmod", ["+x", Path.Combine(folder, "migrator")]);

        var result = await Tool.RunAsync("sh", [program, .. arguments]);

        var started = Path.Combine(folder, "started");
        return (result.ExitCode, File.Exists(started) ? await File.ReadAllTextAsync(started) : null);
    }
}
