using System.Text.Json.Nodes;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>What <c>init</c> writes is enough to move a tenant: the roles have what it gave them, and nothing else.</summary>
[EveryVersion]
public sealed class InitTests(Servers servers)
{
    [Theory]
    [SoakData(false)]
    [InlineData(true)]
    public async Task The_files_of_a_new_user_move_a_tenant_there_and_back_and_for_good(bool otherServer)
    {
        await using var setup = await NewSetup.CreateAsync(servers, otherServer);

        var (code, output, error) = await setup.MigratorAsync("check");
        Assert.True(code == 0, error + output);
        (code, output, error) = await setup.MigratorAsync("promote", "--dry-run", $"--tenant-slug={setup.Move.Slug}");
        Assert.True(code == 0, error + output);

        await setup.Move.PromoteAsync(validate: false);
        await setup.Move.Isolated.ExecuteAsync(
            "INSERT INTO items VALUES (3, 1); INSERT INTO attachments VALUES (3, 3)"
        );
        await setup.Move.RollBackAsync(dropIsolated: true);
        Assert.Equal(3, await setup.CountAsync("attachments"));
        await setup.Move.PromoteAsync(validate: false);
        await setup.Move.FinalizeAsync();
        Assert.Equal(1, await setup.CountAsync("attachments"));
    }

    [Theory]
    [InlineData(false)]
    [SoakData(true)]
    public async Task Without_any_one_of_the_statements_check_or_the_dry_run_refuses(bool otherServer)
    {
        await using var setup = await NewSetup.CreateAsync(servers, otherServer);
        Assert.Empty(await setup.FaultsAsync());
        Assert.Equal(otherServer ? 20 : 11, setup.Statements.Count);

        foreach (var statement in setup.Statements)
        {
            var restore = await setup.UndoAsync(statement);
            var faults = await setup.FaultsAsync();
            Assert.True(faults.Count > 0, $"nobody misses {statement.Text}");
            await setup.RunAsync(statement.Server, restore);
        }
        Assert.Empty(await setup.FaultsAsync());
    }

    [Fact]
    public async Task What_a_superuser_owns_is_left_to_a_person()
    {
        await using var move = await TenantMove.CreateAsync(servers, NewSetup.Tables);
        await move.Shared.ExecuteAsync("CREATE DOMAIN mood AS text", role: EmbeddedCluster.Superuser);
        var folder = Directory.CreateDirectory(move.Settings.RoutingDirectory).FullName;
        var roles = Path.Combine(folder, "roles.sql");

        var (code, _, error) = await MigratorProgram.RunAsync(
            ["init", "--out", Path.Combine(folder, "tenancy.json"), "--sql", roles, "--worker", "nobody_yet"],
            NewSetup.Connections(move, move.Shared.Owner)
        );

        Assert.True(code == 0, error);
        var script = await File.ReadAllLinesAsync(roles, TestContext.Current.CancellationToken);
        Assert.Contains("-- (up to you) GRANT postgres TO nobody_yet;", script);
        Assert.Contains("! GRANT postgres TO nobody_yet is left to you: postgres is a superuser", error);
        Assert.Contains("It owns type public.mood:", error);
    }

    [Fact]
    public async Task No_name_ends_the_comment_in_which_it_stands()
    {
        var evil = Servers.NewName("evil");
        await using var move = await TenantMove.CreateAsync(servers, NewSetup.Tables);
        await servers.Shared.CreateRoleAsync(evil, "LOGIN");
        await move.Shared.ExecuteAsync(
            $"""
            CREATE TABLE "notes
            ALTER ROLE {evil} SUPERUSER; --" (id int PRIMARY KEY, tenant_id bigint REFERENCES tenants);
            ALTER TABLE "notes
            ALTER ROLE {evil} SUPERUSER; --" FORCE ROW LEVEL SECURITY;
            """
        );
        var folder = Directory.CreateDirectory(move.Settings.RoutingDirectory).FullName;
        var (settings, roles) = (Path.Combine(folder, "tenancy.json"), Path.Combine(folder, "roles.sql"));
        string[] words = ["--worker", Servers.NewName("worker"), "--administrator", Servers.NewName("administrator")];
        var variables = NewSetup.Connections(move, move.Shared.Owner);

        var (code, _, error) = await MigratorProgram.RunAsync(
            ["init", "--out", settings, "--sql", roles, .. words],
            variables
        );
        Assert.True(code == 0, error);
        var (_, printed, _) = await MigratorProgram.RunAsync(["privileges", .. words], variables);
        var script = await File.ReadAllTextAsync(roles, TestContext.Current.CancellationToken);

        Assert.Contains($"ALTER ROLE {evil}", script);
        Assert.DoesNotContain($"\nALTER ROLE {evil}", script + printed);
        await move.Shared.ExecuteAsync(script, role: EmbeddedCluster.Superuser);
        Assert.False(
            await move.Shared.ScalarAsync<bool>("SELECT rolsuper FROM pg_roles WHERE rolname = @evil", new { evil })
        );
    }

    [Fact]
    public async Task A_file_that_is_there_stays_unless_force_is_given_and_then_its_settings_stay()
    {
        await using var move = await TenantMove.CreateAsync(servers, NewSetup.Tables);
        var folder = Directory.CreateDirectory(move.Settings.RoutingDirectory).FullName;
        var (settings, roles) = (Path.Combine(folder, "tenancy.json"), Path.Combine(folder, "roles.sql"));
        const string before = """
            {
              // ours
              "application_role": "api", "reference": ["public.background_jobs"], "hooks": []
            }
            """;
        await File.WriteAllTextAsync(settings, before, TestContext.Current.CancellationToken);
        string[] words = ["init", "--out", settings, "--sql", roles];
        var variables = NewSetup.Connections(move, move.Shared.Owner);

        var (code, _, error) = await MigratorProgram.RunAsync(words, variables);
        Assert.Equal((int)ExitCode.Usage, code);
        Assert.Contains("tenancy.json is there already, and nothing was written", error);
        Assert.Equal(before, await File.ReadAllTextAsync(settings, TestContext.Current.CancellationToken));
        Assert.Single(Directory.GetFiles(folder));

        (code, _, error) = await MigratorProgram.RunAsync([.. words, "--force"], variables);
        Assert.True(code == 0, error);
        Assert.Equal(2, Directory.GetFiles(folder).Length);
        var file = JsonNode
            .Parse(await File.ReadAllTextAsync(settings, TestContext.Current.CancellationToken))!
            .AsObject();
        Assert.Equal(["application_role", "hooks", "tenants", "tenant_columns", "tables"], file.Select(one => one.Key));
        Assert.Equal("handle", (string?)file["tenants"]!["slug"]);
        Assert.Equal("reference", (string?)file["tables"]!["public.background_jobs"]);
        Assert.Equal("public.items", (string?)file["tables"]!["public.attachments"]!["belongs_to"]);
    }
}
