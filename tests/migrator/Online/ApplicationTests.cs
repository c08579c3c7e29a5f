using Migrator.Demo;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>
/// The demo's application and its ledger: the proof holds when all is well, and fails when anything is not.
/// </summary>
public sealed class ApplicationTests(Servers servers)
{
    static readonly SampleSize Small = new(MainRows: 3_000, OtherTenants: 3, OtherRows: 300);

    [Theory]
    [SoakData(PromotionOptions.Fenced)]
    [InlineData(PromotionOptions.Online)]
    public async Task An_application_that_routes_as_the_sample_does_loses_nothing_there_and_back(string mode)
    {
        await using var database = await SampleAsync();
        await using var move = Move(database, mode);
        var (ledger, application) = await StartAsync(database);
        await using (application)
        {
            var began = ledger.Clock.GetTimestamp();
            await WritesAsync(ledger, began);
            await move.PromoteAsync();
            await WritesAsync(ledger, ledger.Clock.GetTimestamp());
            Assert.NotNull(ledger.Pause(move.TargetName, began));
            var back = ledger.Clock.GetTimestamp();
            await move.RollBackAsync();
            await WritesAsync(ledger, ledger.Clock.GetTimestamp());
            Assert.NotNull(ledger.Pause(database.Name, back));
            await move.PromoteAsync(validate: false);
            await WritesAsync(ledger, ledger.Clock.GetTimestamp());
            await application.StopAsync();
        }

        await using var isolated = NpgsqlDataSource.Create(move.Isolated.ConnectionString());
        var proof = await ledger.CheckAsync(isolated, TestContext.Current.CancellationToken);

        Assert.Empty(proof.Faults);
        Assert.Equal(0, proof.Moving.Unknown + proof.Others.Unknown);
        Assert.InRange(proof.Moving.Writes, 50, int.MaxValue);
        Assert.InRange(proof.Others.Writes, 50, int.MaxValue);
    }

    /// <summary>What somebody changes behind the application's back, and what the ledger says of it.</summary>
    static readonly (string Tampering, string Fault)[] Tamperings =
    [
        (
            """
            UPDATE tasks SET title = title || '!'
            WHERE id = (SELECT id FROM tasks WHERE title LIKE 'application m%' LIMIT 1)
            """,
            "was acknowledged."
        ),
        (
            """
            DELETE FROM agent_events
            WHERE id = (SELECT id FROM agent_events WHERE payload ->> 'text' LIKE 'application o%' LIMIT 1)
            """,
            "is not there"
        ),
        (
            """
            INSERT INTO agent_events SELECT id, tenant_id, project_id, kind, payload, tokens, '2025-08-01'
            FROM agent_events WHERE payload ->> 'text' LIKE 'application m%' LIMIT 1
            """,
            "is there twice"
        ),
        (
            """
            INSERT INTO comments (task_id, body)
            SELECT id, 'application m0 0' FROM tasks WHERE title LIKE 'application m%' LIMIT 1
            """,
            "never acknowledged"
        ),
        (
            """
            UPDATE users SET display_name = display_name || '!'
            WHERE id = (SELECT id FROM users WHERE tenant_id <> @moving LIMIT 1)
            """,
            "users of tenant"
        ),
        (
            """
            DELETE FROM audit_logs
            WHERE id = (SELECT id FROM audit_logs WHERE tenant_id = @moving AND detail ->> 'title' IS NULL LIMIT 1)
            """,
            "audit_logs of tenant"
        ),
    ];

    [Fact]
    public async Task What_is_changed_behind_the_applications_back_is_a_fault()
    {
        await using var database = await SampleAsync();
        var (ledger, application) = await StartAsync(database);
        await using (application)
        {
            // A row of each kind that is tampered with.
            await Waiting.UntilAsync(
                database,
                """
                SELECT EXISTS (SELECT FROM tasks WHERE title LIKE 'application m%')
                    AND EXISTS (SELECT FROM agent_events WHERE payload ->> 'text' LIKE 'application m%')
                    AND EXISTS (SELECT FROM agent_events WHERE payload ->> 'text' LIKE 'application o%')
                """
            );
            await application.StopAsync();
        }
        var moving = Guid.Parse(await KeyAsync(database));
        IReadOnlyList<string> before = [];
        Assert.Empty((await ledger.CheckAsync(null, TestContext.Current.CancellationToken)).Faults);
        foreach (var (tampering, fault) in Tamperings)
        {
            await database.ExecuteAsync(tampering, new { moving });

            var after = (await ledger.CheckAsync(null, TestContext.Current.CancellationToken)).Faults;
            Assert.Contains(after.Except(before), said => said.Contains(fault, StringComparison.Ordinal));
            before = after;
        }
    }

    // Of the tenant that moves and of the others, since a moment.
    static Task WritesAsync(Ledger ledger, long since) =>
        Waiting.UntilAsync(() =>
            ledger.Writes(ofMoving: true, since, long.MaxValue) >= 15
            && ledger.Writes(ofMoving: false, since, long.MaxValue) >= 15
        );

    async Task<TestDatabase> SampleAsync()
    {
        var database = new TestDatabase(servers.Shared, Servers.NewName("sample"), Servers.Admin);
        await SampleDatabase.CreateAsync(servers.Shared, database.Name);
        await SampleDatabase.FillAsync(servers.Shared, database.Name, Small);
        return database;
    }

    async Task<(Ledger, Application)> StartAsync(TestDatabase database)
    {
        var others = await database.QueryAsync<string>(
            "SELECT id::text FROM tenants WHERE slug <> @MainSlug",
            new { SampleDatabase.MainSlug }
        );
        var shared = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(database.ConnectionString()) { Pooling = false }
        );
        var ledger = await Ledger.OpenAsync(
            shared,
            await KeyAsync(database),
            TimeProvider.System,
            TestContext.Current.CancellationToken
        );
        return (
            ledger,
            Application.Start(
                servers.Shared,
                servers.Dedicated,
                ledger,
                await KeyAsync(database),
                others,
                new(OtherTenants: 2),
                database.Name
            )
        );
    }

    static Task<string> KeyAsync(TestDatabase database) =>
        database.ScalarAsync<string>(
            "SELECT id::text FROM tenants WHERE slug = @MainSlug",
            new { SampleDatabase.MainSlug }
        );

    TenantMove Move(TestDatabase database, string mode) =>
        new(
            database,
            SampleDatabase.MainSlug,
            servers.Dedicated,
            new() { Reference = [.. SampleDatabase.ReferenceTables.Select(TableName.Parse)] }
        )
        {
            Mode = mode,
        };
}
