using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>Where settings come from, and what is found before anything depends on them.</summary>
public sealed class SettingsTests(Servers servers)
{
    const string Notes =
        "CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL); INSERT INTO notes VALUES (1, 1);";

    [Theory]
    [InlineData("DOMAIN", false)]
    [InlineData("MIGRATOR_DOMAIN", true)]
    public async Task Only_prefixed_variables_are_settings(string variable, bool isSetting)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);

        var (code, output, error) = await MigratorProgram.RunAsync(
            ["routes", "--tenant-slug", move.Slug],
            new Dictionary<string, string?>
            {
                ["MIGRATOR_SOURCE"] = move.Shared.ConnectionString(),
                [variable] = "evil.example",
                ["REFERENCE__0"] = "public.no_such_table",
            }
        );

        Assert.True(code == 0, error);
        Assert.Equal(isSetting, output.Contains("evil.example", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_routing_folder_that_cannot_be_written_is_found_before_anything_is_changed()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        Directory.CreateDirectory(move.Settings.RoutingDirectory);
        var file = Path.Combine(move.Settings.RoutingDirectory, "a-file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            TenantMove.WithPromotionAsync(
                move.Settings with
                {
                    RoutingDirectory = Path.Combine(file, "routing"),
                },
                Slug.TryParse(move.Slug, out var slug) ? slug : throw new InvalidOperationException(),
                new(PromotionOptions.Online, 2, TimeSpan.FromSeconds(30), Validate: false, []),
                new WatchingProgress(null),
                promotion => promotion.PromoteAsync(TestContext.Current.CancellationToken)
            )
        );

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains("--routing-dir", refused.Message);
        Assert.False(await move.IsolatedExistsAsync());
    }

    [Fact]
    public async Task Hundreds_of_triggers_are_suspended_and_put_back()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            Notes
                + """
                CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                DO $$ BEGIN
                    FOR n IN 1..900 LOOP
                        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION nothing()',
                            't' || md5(n::text));
                    END LOOP;
                END $$;
                """
        );

        await move.PromoteAsync(validate: false);

        Assert.Equal(
            900,
            await move.Isolated.ScalarAsync<long>(
                "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O' AND tgname LIKE 't%'"
            )
        );
    }
}
