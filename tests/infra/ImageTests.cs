using Infra.Tests.Support;

namespace Infra.Tests;

public class ImageTests
{
    static readonly string[] Lines = File.ReadAllLines(Path.Combine(StackFiles.Root, "Dockerfile"));

    // What follows the last FROM is what runs.
    static readonly string[] Final = Lines[
        Array.FindLastIndex(Lines, line => line.StartsWith("FROM ", StringComparison.Ordinal))..
    ];

    [Fact]
    public async Task The_image_starts_the_migrator_so_that_the_jobs_arguments_are_a_verb_and_its_options()
    {
        Assert.Contains("ENTRYPOINT [\"/app/migrator\"]", Final);
        Assert.Equal(
            "promote",
            (await Graph.OfAsync("acme-corp")).One("Job").Text("template.template.containers.0.args.0")
        );
    }

    [Fact]
    public void The_bases_are_pinned_by_digest() =>
        Assert.All(
            Lines.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)),
            line => Assert.Matches("^FROM [a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}( AS [a-z]+)?$", line)
        );

    [Fact]
    public void The_image_has_the_dry_run_that_the_platforms_job_starts()
    {
        Assert.Contains("COPY platform/dry-run.sh /app/dry-run", Final);
        Assert.Contains("!platform/dry-run.sh", File.ReadLines(Path.Combine(StackFiles.Root, ".dockerignore")));
    }

    [Fact]
    public void The_image_runs_as_nobody_in_particular_and_keeps_no_compiler()
    {
        Assert.Matches(
            "^USER [1-9][0-9]+:[1-9][0-9]+$",
            Assert.Single(Final, line => line.StartsWith("USER ", StringComparison.Ordinal))
        );
        Assert.DoesNotContain("sdk", Final[0]);
    }

    [Fact]
    public async Task The_client_programs_are_as_new_as_the_newest_server()
    {
        var newest = (await Graph.OfAsync("acme-corp")).One("DatabaseInstance").Text("databaseVersion")![
            "POSTGRES_".Length..
        ];

        Assert.Contains(Final, line => line.Contains($"postgresql-client-{newest} ", StringComparison.Ordinal));
    }
}
