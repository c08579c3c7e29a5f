using System.Text.Json.Nodes;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>The infrastructure tells the migrator where the tenant is to live.</summary>
public sealed class StackOutputsTests : IDisposable
{
    static readonly Slug Acme = Slug.TryParse("acme-corp", out var slug) ? slug : throw new InvalidOperationException();

    readonly FileInfo file = new(Path.GetTempFileName());

    public void Dispose() => file.Delete();

    [Fact]
    public async Task Server_role_and_domain_come_from_the_stack_and_everything_else_stays()
    {
        await WriteAsync(Outputs());
        var settings = new MigratorSettings(
            new Tenancy { TenantColumn = "org_id" },
            new("Host=shared;Database=factorydb;Username=factoryadmin"),
            new("Host=shared;Database=postgres;Username=factoryadmin;Password=from-the-environment"),
            "routes"
        );

        var applied = (await StackOutputs.ReadAsync(file, Acme, TestContext.Current.CancellationToken)).Apply(
            settings,
            Acme
        );

        Assert.Equal(
            ("10.20.0.5", 5432, "migrator"),
            (applied.Target.Host, applied.Target.Port, applied.Target.Username)
        );
        Assert.Equal(("postgres", "from-the-environment"), (applied.Target.Database, applied.Target.Password));
        Assert.Equal(("factory.example.com", "org_id"), (applied.Tenancy.Domain, applied.Tenancy.TenantColumn));
        Assert.Equal((settings.Source, settings.RoutingDirectory), (applied.Source, applied.RoutingDirectory));
    }

    [Fact]
    public async Task The_outputs_of_another_tenant_are_refused()
    {
        await WriteAsync(Outputs(slug: "globex"));

        var (exitCode, _, error) = await PromoteAsync("--dry-run");

        Assert.Equal(2, exitCode);
        Assert.Contains(
            "holds the outputs of tenant 'globex', not of 'acme-corp'. "
                + "Write it with 'pulumi stack output --json --stack acme-corp'.",
            error
        );
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("pulumi: command not found")]
    [InlineData("""{"routing":"[secret]","databaseUser":"migrator"}""")]
    [InlineData(
        """
            {"routing":{"tenant_slug":"acme-corp","isolation_mode":"isolated",
                "database":{"name":"tenant_acme_corp","host":"","port":5432},"endpoints":{"api":"a","ui":"u"}},
                "databaseUser":"migrator"}
            """
    )]
    public async Task What_holds_no_outputs_is_refused_with_the_command_that_writes_them(string text)
    {
        await File.WriteAllTextAsync(file.FullName, text, TestContext.Current.CancellationToken);

        var (exitCode, _, error) = await PromoteAsync("--dry-run");

        Assert.Equal(2, exitCode);
        Assert.Contains("does not hold the outputs of a tenant's stack", error);
        Assert.Contains("Write it with 'pulumi stack output --json --stack acme-corp'.", error);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_refused()
    {
        file.Delete();

        var (exitCode, _, error) = await PromoteAsync("--dry-run");

        Assert.Equal(2, exitCode);
        Assert.Contains("does not hold the outputs of a tenant's stack", error);
    }

    [Fact]
    public async Task Two_servers_at_once_are_refused()
    {
        await WriteAsync(Outputs());

        var (exitCode, _, error) = await PromoteAsync("--target", "localhost:5433");

        Assert.Equal(2, exitCode);
        Assert.Contains("--stack-outputs names the server, and so does --target. Leave one of them out.", error);
    }

    Task<(int ExitCode, string Output, string Error)> PromoteAsync(params string[] options) =>
        MigratorProgram.RunAsync(
            ["promote", "--tenant-slug=acme-corp", "--stack-outputs", file.FullName, .. options],
            new Dictionary<string, string?> { ["DB_HOST"] = "127.0.0.1", ["DB_PORT"] = "1" }
        );

    Task WriteAsync(JsonObject outputs) => File.WriteAllTextAsync(file.FullName, outputs.ToJsonString());

    // As 'pulumi stack output --json' prints it.
    static JsonObject Outputs(string slug = "acme-corp", string host = "10.20.0.5", int port = 5432) =>
        new()
        {
            ["apiUrl"] = $"https://api-{slug}.factory.example.com",
            ["databaseUser"] = "migrator",
            ["migrationJob"] = $"migrator-{slug}",
            ["routing"] = new JsonObject
            {
                ["tenant_slug"] = slug,
                ["isolation_mode"] = "isolated",
                ["database"] = new JsonObject
                {
                    ["name"] = $"tenant_{slug.Replace('-', '_')}",
                    ["host"] = host,
                    ["port"] = port,
                },
                ["endpoints"] = new JsonObject
                {
                    ["api"] = $"api-{slug}.factory.example.com",
                    ["ui"] = $"app-{slug}.factory.example.com",
                },
            },
            ["signInKey"] = "[secret]",
        };
}
