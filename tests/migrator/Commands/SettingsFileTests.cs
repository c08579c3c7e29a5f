using Migrator.Model;
using Migrator.Settings;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>A settings file is right as a whole, or says all that is wrong with it and where.</summary>
public sealed class SettingsFileTests(Servers servers)
{
    [Theory]
    [InlineData("""{"reference": 5}""", "line 1, column 15: reference must be a list of texts")]
    [InlineData("""{"reference": "public.plans"}""", "line 1, column 15: reference must be a list of texts")]
    [InlineData("""{"reference": ["a", null, [1]]}""", "line 1, column 21: reference[] must be a text")]
    [InlineData("""{"reference": ["a", null, [1]]}""", "line 1, column 27: reference[] must be a text")]
    [InlineData("""{"tenants": "x"}""", "line 1, column 13: tenants must be an object")]
    [InlineData("""{"tenants": {"bogus": "x"}}""", "unknown key 'tenants.bogus'. Known keys: table")]
    [InlineData("""{"derived": {"é": 1}}""", "line 1, column 19: derived.é must be a text")]
    [InlineData("""{"domain": true}""", "domain must be a text")]
    [InlineData("[]", "the file must be an object")]
    [InlineData("{\n  \"domain\": \"x\"\n  \"ignored\": []\n}", "line 3, column 3: not valid JSON")]
    [InlineData("{\n  \"domain\": 1,\n  \"refrence\": []\n}", "line 2, column 13")]
    [InlineData("{\n  \"domain\": 1,\n  \"refrence\": []\n}", "line 3, column 15: unknown key 'refrence'")]
    [InlineData("", "not valid JSON")]
    public async Task Every_fault_is_told_with_line_and_column(string json, string fault)
    {
        var folder = Directory.CreateTempSubdirectory("migrator-tests-");
        try
        {
            var file = Path.Combine(folder.FullName, "tenancy.json");
            await File.WriteAllTextAsync(file, json, TestContext.Current.CancellationToken);

            var refused = Assert.Throws<MigratorException>(() => MigratorSettings.Read(file, null, null));

            Assert.Equal(ExitCode.Usage, refused.Code);
            Assert.Contains(fault, refused.Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task What_a_killed_run_left_in_the_temporary_folder_goes_with_the_next_run()
    {
        await using var move = await TenantMove.CreateAsync(servers, "CREATE TABLE notes (tenant_id bigint)");
        move.Mode = PromotionOptions.Fenced;
        // No process has a number as high.
        var left = Directory.CreateTempSubdirectory("migrator-schema-2147483646-");
        var alive = Directory.CreateTempSubdirectory($"migrator-schema-{Environment.ProcessId}-");
        foreach (var folder in (DirectoryInfo[])[left, alive])
            Directory.SetLastWriteTimeUtc(folder.FullName, DateTime.UtcNow.AddHours(-2));

        await move.PromoteAsync(validate: false);

        Assert.False(Directory.Exists(left.FullName));
        Assert.True(Directory.Exists(alive.FullName));
        alive.Delete();
    }
}
