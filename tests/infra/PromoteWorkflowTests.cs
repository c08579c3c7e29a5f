using Infra.Tests.Support;
using YamlDotNet.RepresentationModel;
using static Infra.Tests.Support.WorkflowFile;

namespace Infra.Tests;

/// <summary>Who is asked what, and in which order, before a tenant moves.</summary>
public class PromoteWorkflowTests
{
    [Theory]
    [InlineData("promote.yml", "promote")]
    [InlineData("promote.yml", "cut-over", "production-cutover")]
    [InlineData("rollback.yml", "roll-back")]
    [InlineData("unlock.yml", "unlock")]
    [InlineData("apply.yml", "apply")]
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
        var asking = jobs.SelectMany(job => Steps(job.Node))
            .Where(step => Scalar(step, "run")?.Contains("mergeable.sh", StringComparison.Ordinal) == true)
            .Select(step => Scalar(Mapping(step, "env")!, "REQUIRED_CHECKS"));
        Assert.Equal(["${{ vars.REQUIRED_CHECKS }}", "${{ vars.REQUIRED_CHECKS }}"], asking);
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
        // What does not change is held against the rules and priced as well.
        Assert.Contains(" --show-sames ", Run("plan", "Plan"));
        Assert.Contains("policy.mjs plan/preview.json", Run("plan", "Rules that hold for every stack"));
        Assert.Contains("--plan \"$PWD/plan/plan.json\"", Run("promote", "Infrastructure"));
        Assert.Contains("mergeable.sh", Run("promote", "Still what was approved"));
        var names = jobs["promote"].Select(step => Scalar(step, "name")).ToList();
        Assert.True(names.IndexOf("Still what was approved") < names.IndexOf("Infrastructure"));
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

    [Fact]
    public void Whoever_owns_the_platform_reviews_all_that_goes_into_a_signed_image()
    {
        var owned = File.ReadLines(Path.Combine(StackFiles.Root, ".github", "CODEOWNERS"))
            .Where(line => line.StartsWith('/') && line.EndsWith("-owners", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[0])
            .ToList();

        Assert.All(
            Texts(Mapping(Mapping(Load("images.yml"), "on")!, "push")!, "paths"),
            path =>
                Assert.Contains(
                    owned,
                    pattern =>
                        $"/{path}" == pattern
                        || (pattern.EndsWith('/') && $"/{path}".StartsWith(pattern, StringComparison.Ordinal))
                )
        );
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
                    (string[])["=migrationJob", "=project", "=region", "LOG_BUCKET=auditBucket"],
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
    public void The_label_that_was_put_on_decides_whether_a_tenant_moves_and_a_rehearsal_is_approved_as_a_promotion_is()
    {
        var jobs = Jobs("promote.yml").ToDictionary(job => job.Name, job => job.Node);
        const string promotes = "needs.resolve.outputs.verb == 'Promote'";
        const string rehearses = "needs.resolve.outputs.verb == 'Rehearse'";

        var started = Scalar(jobs["resolve"], "if")!;
        foreach (var label in (string[])["promote-tenant", "rehearse-tenant"])
        {
            Assert.Contains($"github.event.label.name == '{label}'", started);
            Assert.Contains($"startsWith(github.event.label.name, '{label}:')", started);
        }
        Assert.Equal(
            "${{ startsWith(github.event.label.name, 'rehearse-tenant') && 'Rehearse' || 'Promote' }}",
            Scalar(Mapping(jobs["resolve"], "outputs")!, "verb")
        );
        Assert.Equal(promotes, Scalar(jobs["cut-over"], "if"));
        var moving = Steps(jobs["promote"])
            .Where(step => Scalar(step, "run")?.Contains("run-migrator.sh", StringComparison.Ordinal) == true)
            .ToDictionary(step => Scalar(step, "if")!, step => Scalar(step, "run")!);
        Assert.Equal(2, moving.Count);
        Assert.EndsWith("--hold --detach", moving[promotes]);
        Assert.EndsWith("--rehearse", moving[rehearses]);
        Assert.DoesNotContain("--keep", moving[rehearses]);
    }

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
                "Rehearse",
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
}
