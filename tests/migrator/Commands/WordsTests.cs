using System.Text.Json.Nodes;
using Dapper;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Commands;

/// <summary>What a person is told fits the moment: nothing of a guard that was never closed, and that a tenant has moved.</summary>
public sealed class WordsTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        """;

    [Fact]
    public async Task A_server_that_was_never_reached_is_no_reason_to_fear_for_the_guard()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);

        var (code, _, error) = await MigratorProgram.RunAsync(
            ["promote", $"--tenant-slug={move.Slug}", "--confirm"],
            new Dictionary<string, string?>
            {
                ["MIGRATOR_SOURCE"] = "Host=127.0.0.1;Port=1;Database=x;Username=x;Timeout=1",
            }
        );

        Assert.Equal(1, code);
        Assert.Contains("cannot be reached", error);
        Assert.DoesNotContain("guard", error);
    }

    [Theory]
    [InlineData(PhaseName.CopyData, "resumes from here")]
    [InlineData(PhaseName.Validate, "HAS MOVED")]
    public async Task Ctrl_C_tells_whether_the_tenant_has_moved(string phase, string words)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);

        var stopped = await InterruptedAsync(move, phase, (run, token) => run.PromoteAsync(token));

        Assert.Equal(ExitCode.Interrupted, stopped.Code);
        Assert.Contains(words, stopped.Message);
    }

    [Theory]
    [SoakData(PhaseName.CopyData, "resumes from here")]
    [InlineData(PhaseName.CutOver, "is not known")]
    [InlineData(PhaseName.Validate, "HAS MOVED")]
    public async Task Ctrl_C_tells_what_is_known_where_the_journal_cannot_be_read(string phase, string words)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        using var postgres = new NpgsqlConnection(
            move.Shared.Cluster.ConnectionString("postgres", EmbeddedCluster.Superuser)
        );
        postgres.Open();

        var stopped = await InterruptedAsync(
            move,
            phase,
            (run, token) => run.PromoteAsync(token),
            () =>
                postgres.Execute(
                    $"""
                    ALTER DATABASE "{move.Shared.Name}" ALLOW_CONNECTIONS false;
                    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{move.Shared.Name}'
                    """
                )
        );

        Assert.Equal(ExitCode.Interrupted, stopped.Code);
        Assert.Contains(words, stopped.Message);
        postgres.Execute($"ALTER DATABASE \"{move.Shared.Name}\" ALLOW_CONNECTIONS true");
    }

    [Fact]
    public async Task Ctrl_C_tells_that_the_tenant_is_back()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(validate: false);

        var stopped = await InterruptedAsync(
            move,
            PhaseName.CleanUpAfterRollback,
            (run, token) => run.RollBackAsync(dropIsolated: false, force: false, token)
        );

        Assert.Contains("IS BACK", stopped.Message);
        // What is left is the rollback's: promote refuses.
        var status = await InjectedFault.RunAsync(move, 0, "status", $"--tenant-slug={move.Slug}");
        var next = Assert.Single(status["next_steps"]!.AsArray());
        Assert.StartsWith("migrator rollback", (string)next!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_before_the_copy_and_after_finalize_has_nothing_to_compare()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CloneSchema);
        await RequireRefusedAsync(move, "not copied yet", "verify", $"--tenant-slug={move.Slug}");
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        await RequireRefusedAsync(move, "Finalize has deleted", "verify", $"--tenant-slug={move.Slug}");
    }

    [Fact]
    public async Task A_difference_and_its_tables_are_one_document()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await move.PromoteAsync(validate: false);
        await move.Shared.ExecuteAsync(
            "ALTER TABLE notes DISABLE TRIGGER ALL; UPDATE notes SET body = 'past the guard'; ALTER TABLE notes ENABLE TRIGGER ALL",
            role: EmbeddedCluster.Superuser
        );

        var (code, output, error) = await InjectedFault.SayAsync(
            move,
            "verify",
            $"--tenant-slug={move.Slug}",
            "--json"
        );

        Assert.True(code == (int)ExitCode.Different, error);
        var document = JsonNode.Parse(output)!;
        Assert.Equal(code, (int)document["exit_code"]!);
        Assert.Contains("public.notes", (string)document["error"]!);
        Assert.NotEmpty(document["tables"]!.AsArray());
    }

    [Fact]
    public async Task A_database_that_never_had_a_promotion_or_a_table_of_tenants_is_told_plainly()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        foreach (var verb in (string[])["list", "doctor"])
        {
            var (code, _, error) = await InjectedFault.SayAsync(move, verb);
            Assert.True(code == 0, $"{verb}: {error}");
        }
        await move.Shared.ExecuteAsync("ALTER TABLE tenants RENAME TO customers");
        string[] tenant = [$"--tenant-slug={move.Slug}"];
        foreach (
            var words in (string[][])
                [
                    ["list"],
                    ["doctor"],
                    ["status", .. tenant],
                    ["verify", .. tenant],
                ]
        )
            await RequireRefusedAsync(move, "has no table public.tenants", words);
    }

    [Fact]
    public async Task A_run_at_work_is_told_with_its_process_and_how_far_its_copy_is()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        var (during, busy) = ("", "");
        await move.PromoteMeddledAsync(
            PhaseName.BuildSchema,
            async () =>
            {
                // As the journal is while the copy runs.
                await move.Shared.ExecuteAsync(
                    """
                    UPDATE tenant_promotion.phase SET ended_at = NULL WHERE name = 'copy'
                    AND promotion_id = (SELECT max(id) FROM tenant_promotion.promotion)
                    """
                );
                during = (await InjectedFault.SayAsync(move, "status", $"--tenant-slug={move.Slug}")).Output;
                busy = (
                    await InjectedFault.SayAsync(move, "rollback", $"--tenant-slug={move.Slug}", "--confirm")
                ).Error;
                await move.Shared.ExecuteAsync(
                    "UPDATE tenant_promotion.phase SET ended_at = now() WHERE name = 'copy' AND ended_at IS NULL"
                );
            }
        );

        Assert.Matches(@"process \d+ of factoryadmin \(tp/acme", during);
        Assert.Contains("is at work", during);
        Assert.Contains("51 rows", during);
        Assert.Contains("Next: migrator status", during);
        Assert.DoesNotContain("Next: migrator promote", during);
        Assert.DoesNotContain("Next: migrator rollback", during);
        Assert.Matches(@"Another run holds tenant .*process \d+ of factoryadmin", busy);
    }

    static async Task RequireRefusedAsync(TenantMove move, string sentence, params string[] words)
    {
        var (code, _, error) = await InjectedFault.SayAsync(move, words);
        Assert.True(
            code == (int)ExitCode.Refused && error.Contains(sentence, StringComparison.Ordinal),
            $"'{string.Join(' ', words)}' ended with {code}:\n{error}"
        );
    }

    static async Task<MigratorException> InterruptedAsync(
        TenantMove move,
        string phase,
        Func<Promotion, CancellationToken, Task> verb,
        Action? meanwhile = null
    )
    {
        using var stop = new CancellationTokenSource();
        var progress = new WatchingProgress(started =>
        {
            if (started != phase)
                return;
            stop.Cancel();
            meanwhile?.Invoke();
        });
        return await Assert.ThrowsAsync<MigratorException>(() =>
            TenantMove.WithPromotionAsync(
                move.Settings,
                move.Tenant().Slug,
                move.Options(validate: true),
                progress,
                promotion => verb(promotion, stop.Token)
            )
        );
    }
}
