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

    // Debian starts pg_dump by a script in Perl, which runs what PERL5OPT says.
    [Theory]
    [InlineData("PERL5OPT", "-Mstrict;system('id')")]
    [InlineData("POSTGRES_BIN", "/tmp/mine")]
    [InlineData("PATH", "/tmp/mine")]
    [InlineData("MIGRATOR_ROUTING_DIR", "/tmp/mine")]
    [InlineData("DOTNET_STARTUP_HOOKS", "/tmp/mine.dll")]
    [InlineData("PGOPTIONS", "-c default_transaction_read_only=off")]
    [InlineData("TARGET_DB_HOST", "10.0.0.9")]
    public async Task What_else_is_put_into_its_environment_does_not_reach_the_migrator(string name, string value)
    {
        var (exitCode, _) = await RunAsync(
            ["acme-corp"],
            (name, value),
            ("DB_PASSWORD", "a b'c\nd"),
            ("DB_NAME", "shop")
        );

        Assert.Equal(0, exitCode);
        var environment = (
            await File.ReadAllTextAsync(Path.Combine(folder, "environment"), TestContext.Current.CancellationToken)
        ).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.DoesNotContain($"{name}={value}", environment);
        Assert.Equal(
            ["DB_NAME=shop", "DB_PASSWORD=a b'c\nd", "HOME", "MIGRATOR_DRY_RUN_ONLY=1", "PATH"],
            environment
                .Where(pair => !pair.StartsWith("PWD=", StringComparison.Ordinal))
                .Select(pair => pair.Split('=')[0] is "HOME" or "PATH" ? pair.Split('=')[0] : pair)
                .Order(StringComparer.Ordinal)
        );
    }

    Task<(int ExitCode, string? Started)> RunAsync(params string[] arguments) => RunAsync(arguments, []);

    async Task<(int ExitCode, string? Started)> RunAsync(
        string[] arguments,
        params (string Name, string Value)[] environment
    )
    {
        var program = Path.Combine(folder, "dry-run");
        File.Copy(Path.Combine(StackFiles.Root, "platform", "dry-run.sh"), program);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "migrator"),
            $"#!/bin/sh\nprintf '%s' \"$*\" > '{folder}/started'\nenv -0 > '{folder}/environment'\n",
            TestContext.Current.CancellationToken
        );
        await Tool.RunAsync("chmod", ["+x", Path.Combine(folder, "migrator")]);

        var result = await Tool.RunAsync("sh", [program, .. arguments], environment: environment);

        var started = Path.Combine(folder, "started");
        return (result.ExitCode, File.Exists(started) ? await File.ReadAllTextAsync(started) : null);
    }
}
