using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>How the migrator's image is scanned, pushed and proposed to the stacks, with the programs that do so faked.</summary>
public sealed class ImageScriptTests : IDisposable
{
    const string Repository = "europe-west3-docker.pkg.dev/p/images/migrator";

    static readonly string Old = $"{Repository}@sha256:{new string('a', 64)}";
    static readonly string New = $"{Repository}@sha256:{new string('b', 64)}";

    readonly string folder = Directory.CreateTempSubdirectory("images-").FullName;

    const string Zlib = "\"packageIssue\":[{\"affectedPackage\":\"zlib\"}]}}]";

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("""[]""", 0, "0 known vulnerabilities, 0 of them with a fix.")]
    [InlineData(
        """[{"vulnerability":{"effectiveSeverity":"HIGH","shortDescription":"CVE-1","fixAvailable":true,""" + Zlib,
        0,
        "| HIGH | CVE-1 | zlib | yes |"
    )]
    [InlineData(
        """[{"vulnerability":{"effectiveSeverity":"CRITICAL","shortDescription":"CVE-2",""" + Zlib,
        0,
        "| CRITICAL | CVE-2 | zlib | none yet |"
    )]
    [InlineData(
        """[{"vulnerability":{"effectiveSeverity":"CRITICAL","shortDescription":"CVE-3","fixAvailable":true,""" + Zlib,
        1,
        "| CRITICAL | CVE-3 | zlib | yes |"
    )]
    public async Task An_image_with_something_critical_that_can_be_mended_is_not_pushed(
        string found,
        int exitCode,
        string said
    )
    {
        await WriteAsync("found.json", found);
        await FakeAsync(
            "gcloud",
            $"""
            case "$*" in
              "artifacts docker images scan "*) echo projects/p/locations/europe/scans/1 ;;
              "artifacts docker images list-vulnerabilities projects/p/locations/europe/scans/1 "*) cat "{folder}/found.json" ;;
              *) exit 9 ;;
            esac
            """
        );

        var result = await RunAsync("scan.sh", "image:tag");

        Assert.True(exitCode == result.ExitCode, result.Error);
        Assert.Contains(said, result.Output);
        Assert.Equal(exitCode != 0, result.Error.Contains("The image is not pushed: CVE-3", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("echo", "has no result")]
    [InlineData("exit 1", "")]
    public async Task A_scan_that_did_not_take_place_is_no_clean_bill(string gcloud, string said)
    {
        await FakeAsync("gcloud", gcloud);

        var result = await RunAsync("scan.sh", "image:tag");

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(said, result.Error);
        Assert.DoesNotContain("known vulnerabilities", result.Output);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task The_digest_is_the_one_that_the_registry_gave(bool pushed, int exitCode)
    {
        await FakeAsync("gcloud", "true");
        await FakeAsync(
            "docker",
            $"""
            case "$*" in
              push*) ;;
              *) echo "other.example/migrator@sha256:{new string('c', 64)}"; {(pushed ? $"echo '{New}'" : "true")} ;;
            esac
            """
        );

        var result = await RunAsync("push.sh", $"{Repository}:abc");

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(pushed ? $"image={New}\n" : "", result.Output);
    }

    [Fact]
    public async Task The_digest_is_proposed_to_every_stack_that_runs_an_older_one_and_to_no_other()
    {
        var clone = await CloneAsync(
            ("Pulumi.acme-corp.yaml", $"config:\n  tenant:migratorImage: {Old}\n  tenant:apiImage: {Old}\n"),
            ("Pulumi.old.yaml", $"config:\n  tenant:migratorImage: {Old}\n  tenant:finalized: true\n"),
            (
                "Pulumi.else.yaml",
                $"config:\n  tenant:migratorImage: eu-docker.pkg.dev/q/images/migrator@sha256:{new string('a', 64)}\n"
            ),
            ("platform/Pulumi.prod.yaml", $"config:\n  platform:migratorImage: {Old}\n")
        );

        var first = await PinAsync(clone);

        Assert.True(first.ExitCode == 0, first.Error);
        var changed = await GitAsync("origin.git", "diff", "-U0", "main", "images/migrator");
        Assert.Equal(
            [$"+  platform:migratorImage: {New}", $"+  tenant:migratorImage: {New}"],
            changed.Split('\n').Where(line => line.StartsWith("+ ", StringComparison.Ordinal)).Order()
        );
        Assert.Contains("pr create --head images/migrator", await CallsAsync());
        Assert.Contains("Close and reopen", await CallsAsync());

        // What is open is written over, and what is there already is left alone.
        await GitAsync("clone", "switch", "--quiet", "main");
        await GitAsync("clone", "branch", "--quiet", "-D", "images/migrator");
        await FakeAsync("gh", $"printf '%s\\n' \"$*\" >> {folder}/calls; case \"$*\" in *list*) echo 7 ;; esac");
        Assert.Equal(0, (await PinAsync(clone)).ExitCode);
        Assert.Contains("pr edit images/migrator", await CallsAsync());
        await GitAsync("clone", "switch", "--quiet", "images/migrator");
        Assert.Contains("Every stack has", (await PinAsync(clone)).Output);
    }

    [Theory]
    [InlineData("europe-west3-docker.pkg.dev/p/images/migrator:latest")]
    [InlineData("")]
    [InlineData("x#e touch /tmp/x#@sha256:aaaa")]
    public async Task Only_an_image_by_digest_is_proposed(string image) =>
        Assert.Equal(2, (await RunAsync("pin.sh", image)).ExitCode);

    async Task<string> CloneAsync(params (string File, string Text)[] files)
    {
        await GitAsync(".", "init", "--quiet", "--bare", "--initial-branch=main", "origin.git");
        await GitAsync(".", "clone", "--quiet", "origin.git", "clone");
        Directory.CreateDirectory(Path.Combine(folder, "clone", "platform"));
        foreach (var (file, text) in files)
            await WriteAsync(Path.Combine("clone", file), text);
        await GitAsync("clone", "add", "--all");
        await GitAsync(
            "clone",
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "commit",
            "--quiet",
            "-m",
            "Stacks"
        );
        await GitAsync("clone", "push", "--quiet", "origin", "HEAD:main");
        await FakeAsync("gh", $"printf '%s\\n' \"$*\" >> {folder}/calls");
        return Path.Combine(folder, "clone");
    }

    // The hosting service's address is the bare repository beside the clone.
    Task<(int ExitCode, string Output, string Error)> PinAsync(string clone) =>
        Tool.RunAsync(
            "bash",
            [Script("pin.sh"), New],
            clone,
            environment:
            [
                ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"),
                ("GITHUB_SERVER_URL", "https://git.example.com"),
                ("GITHUB_REPOSITORY", "o/r"),
                ("GITHUB_SHA", "0123456789"),
                ("GH_TOKEN", "token"),
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", $"url.{folder}/origin.git.insteadOf"),
                ("GIT_CONFIG_VALUE_0", "https://x-access-token:token@git.example.com/o/r.git"),
            ]
        );

    async Task<string> GitAsync(string where, params string[] arguments)
    {
        var (exitCode, output, error) = await Tool.RunAsync("git", arguments, Path.Combine(folder, where));
        Assert.True(exitCode == 0, error);
        return output;
    }

    Task<(int ExitCode, string Output, string Error)> RunAsync(string script, params string[] arguments) =>
        Tool.RunAsync(
            "bash",
            [Script(script), .. arguments],
            folder,
            environment: [("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"), ("PROJECT", "p")]
        );

    static string Script(string name) => Path.Combine(StackFiles.Root, ".github", "scripts", name);

    Task<string> CallsAsync() =>
        File.ReadAllTextAsync(Path.Combine(folder, "calls"), TestContext.Current.CancellationToken);

    Task WriteAsync(string file, string text) =>
        File.WriteAllTextAsync(Path.Combine(folder, file), text, TestContext.Current.CancellationToken);

    Task FakeAsync(string program, string script) => Tool.FakeAsync(folder, program, script);
}
