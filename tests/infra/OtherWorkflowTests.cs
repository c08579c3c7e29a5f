using System.Text.RegularExpressions;
using Infra.Tests.Support;
using static Infra.Tests.Support.WorkflowFile;

namespace Infra.Tests;

/// <summary>What is particular about Preview, Images, Roll back, Unlock and CI.</summary>
public class OtherWorkflowTests
{
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
    public void A_preview_is_held_against_the_rules_and_commented_where_the_token_may_write()
    {
        var jobs = Jobs("preview.yml").ToDictionary(job => job.Name, job => job.Node);

        Assert.Contains(
            "node .github/scripts/policy.mjs previews/after.json",
            Steps(jobs["preview"]).Select(step => Scalar(step, "run"))
        );
        Assert.EndsWith(
            "github.event.pull_request.head.repo.full_name == github.repository",
            Scalar(jobs["comment"], "if")
        );
    }

    [Fact]
    public void Unlock_takes_the_lock_of_the_stack_that_was_typed_and_tells_what_was_left_half_made()
    {
        var runs = Steps(Jobs("unlock.yml").Single(job => job.Name == "unlock").Node)
            .Select(step => Scalar(step, "run"))
            .OfType<string>()
            .ToList();

        Assert.Equal("pulumi cancel --stack \"$SLUG\" --yes --non-interactive", runs[0]);
        Assert.Contains(".deployment.pending_operations", runs[1]);
    }

    [Theory]
    [InlineData("infra/Edge.cs")]
    [InlineData("platform/Foundation.cs")]
    [InlineData("platform/Pulumi.prod.yaml")]
    [InlineData("Pulumi.acme-corp.yaml")]
    [InlineData("global.json")]
    public void A_change_of_what_a_stack_declares_starts_a_preview(string changed)
    {
        var paths = Texts(Mapping(Mapping(Load("preview.yml"), "on")!, "pull_request")!, "paths");

        Assert.Contains(
            paths,
            path => Regex.IsMatch(changed, $"^{Regex.Escape(path).Replace(@"\*\*", ".*").Replace(@"\*", "[^/]*")}$")
        );
    }

    [Fact]
    public async Task A_comment_is_written_for_tenants_and_the_platform_and_for_no_other_name()
    {
        var run = Scalar(Steps(Jobs("preview.yml").Single(job => job.Name == "comment").Node).Last(), "run")!;
        var filter = Regex.Match(run, @"jq -r '(.+?)'").Groups[1].Value;

        var (_, output, _) = await Tool.RunAsync(
            "jq",
            ["-r", filter],
            input: """["acme-corp","platform.prod","../x","platform.","a.b","$(id)"]"""
        );

        Assert.Equal("acme-corp\nplatform.prod\n", output);
    }

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

    [Theory]
    [InlineData("rollback.yml", "roll-back")]
    [InlineData("unlock.yml", "unlock")]
    [InlineData("apply.yml", "plan")]
    [InlineData("apply.yml", "apply")]
    public void What_was_typed_is_checked_before_anybody_is_asked_to_approve_it(string file, string name)
    {
        var jobs = Jobs(file).ToDictionary(job => job.Name, job => job.Node);

        Assert.Contains("confirm", Texts(jobs[name], "needs"));
        Assert.Null(Scalar(jobs["confirm"], "environment"));
        Assert.Contains("confirmed.sh", Scalar(Steps(jobs["confirm"]).Last(), "run"));
    }

    [Theory]
    [InlineData("commit-1", 0)]
    [InlineData("commit-2", 1)]
    public async Task What_main_declares_of_a_tenant_is_planned_approved_and_applied_as_planned(
        string main,
        int exitCode
    )
    {
        var jobs = Jobs("apply.yml").ToDictionary(job => job.Name, job => Steps(job.Node).ToList());
        string Run(string job, string step) =>
            Scalar(jobs[job].Single(candidate => Scalar(candidate, "name") == step), "run")!;

        // What the approver of a promotion sees, and what is held against the rules there.
        foreach (var step in (string[])["Plan", "What the approver sees", "Rules that hold for every stack"])
            Assert.Equal(
                Scalar(
                        Steps(Jobs("promote.yml").Single(job => job.Name == "plan").Node)
                            .Single(candidate => Scalar(candidate, "name") == step),
                        "run"
                    )!
                    .Replace("pulumi -C merged ", "pulumi ", StringComparison.Ordinal),
                Run("plan", step)
            );
        Assert.Contains("up --stack \"$SLUG\" --plan \"$PWD/plan/plan.json\" --yes", Run("apply", "Infrastructure"));
        Assert.All(
            jobs.Values.SelectMany(steps => steps).Where(step => Mapping(step, "with") is not null),
            step => Assert.Contains(Scalar(Mapping(step, "with")!, "ref"), (string?[])[null, "${{ github.sha }}"])
        );
        var names = jobs["apply"].Select(step => Scalar(step, "name")).ToList();
        Assert.True(names.IndexOf("Still what was approved") < names.IndexOf("Infrastructure"));

        var folder = Directory.CreateTempSubdirectory("apply-").FullName;
        await Tool.FakeAsync(folder, "gh", $"[ \"$2\" = repos/o/r/commits/main ] && echo {main}");
        var result = await Tool.RunAsync(
            "bash",
            ["-eo", "pipefail", "-c", Run("apply", "Still what was approved")],
            environment:
            [
                ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"),
                ("GITHUB_REPOSITORY", "o/r"),
                ("GITHUB_SHA", "commit-1"),
            ]
        );
        Directory.Delete(folder, recursive: true);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(
            exitCode == 1,
            result.Error.Contains("main has moved since the plan was made", StringComparison.Ordinal)
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
}
