using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>The monthly drill.</summary>
public sealed class RestoreDrillScriptTests : ScriptTests
{
    [Theory]
    [InlineData("RUNNABLE", "tenant_acme_corp", 0)]
    [InlineData("FAILED", "tenant_acme_corp", 1)]
    [InlineData("RUNNABLE", "tenant_acme", 1)]
    public async Task A_drill_restores_the_tenants_database_and_leaves_no_clone_behind(
        string state,
        string database,
        int exitCode
    )
    {
        await FakeAsync(
            "gcloud",
            $$"""
            printf '%s\n' "$*" >> "{{Folder}}/calls"
            case "$*" in
              *"value(state)"*) echo {{state}} ;;
              "sql databases list"*) printf 'postgres\n{{database}}\n' ;;
            esac
            """
        );

        var result = await Tool.RunAsync(
            "bash",
            [".github/scripts/restore-drill.sh", "db-acme-corp-1a2b3c4", "tenant_acme_corp"],
            environment: [FakesFirst, ("PROJECT", "p")]
        );

        Assert.True(exitCode == result.ExitCode, result.Error);
        var calls = await CallsAsync();
        Assert.Matches("^sql instances clone db-acme-corp-1a2b3c4 drill-[0-9-]+ --point-in-time 20", calls[0]);
        Assert.StartsWith("sql instances delete drill-", calls[^1]);
        Assert.DoesNotContain(calls, call => call.Contains("delete db-", StringComparison.Ordinal));
    }
}
