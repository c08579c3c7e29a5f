using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>Until the flip a rollback leaves nothing but history.</summary>
public sealed class RollbackBeforeTheFlipTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE notes (
            id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT '2024-01-01');
        CREATE TABLE remarks (id bigserial PRIMARY KEY, note_id bigint NOT NULL REFERENCES notes DEFERRABLE, body text);
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
        CREATE TRIGGER notes_stamp BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION stamp();
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, n FROM generate_series(1, 20) n;
        INSERT INTO remarks (note_id, body) SELECT id, 'r' FROM notes;
        """;

    public static IEnumerable<TheoryDataRow<string, bool>> Stops =>
        [
            new(PhaseName.CatchUp, true),
            new(PhaseName.CutOver, false),
            new TheoryDataRow<string, bool>(PhaseName.Provision, true).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.BuildSchema, false).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.InstallGuard, true).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.CloneSchema, true).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.CopyData, true).WithTrait(Soak.Category, Soak.Name),
            new TheoryDataRow<string, bool>(PhaseName.Verify, true).WithTrait(Soak.Category, Soak.Name),
        ];

    [Theory]
    [MemberData(nameof(Stops))]
    public async Task Whatever_phase_it_was_stopped_in_a_rollback_leaves_everything_as_it_was(
        string phase,
        bool sameServer
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, sameServer ? null : servers.Dedicated);
        await using var before = await Snapshot.OfAsync(move.Shared);

        await move.PromoteAsync(stopBefore: phase);
        Assert.NotEqual("closed", await move.GuardAsync());
        await move.RollBackAsync();

        Assert.Empty(await before.ChangesAsync());
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
        Assert.False(await move.IsolatedExistsAsync());
        Assert.False(File.Exists(move.RoutingFile));
        Assert.Equal(
            ["shared"],
            await move.Shared.QueryAsync<string>(
                "SELECT state FROM tenant_promotion.promotion WHERE ended_at IS NOT NULL"
            )
        );
        Assert.Null(await move.GuardAsync());
        await move.Shared.ExecuteAsync("UPDATE notes SET body = 'goes on' WHERE tenant_id = 1");
    }

    [Fact]
    public async Task What_was_written_between_an_interruption_and_the_resume_arrives_too()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(stopBefore: PhaseName.Verify);
        await move.Shared.ExecuteAsync(
            """
            UPDATE notes SET body = 'meanwhile' WHERE id = 1 + (SELECT min(id) FROM notes WHERE tenant_id = 1);
            INSERT INTO notes (tenant_id, body) VALUES (1, 'meanwhile');
            DELETE FROM remarks WHERE note_id = (SELECT min(id) FROM notes WHERE tenant_id = 1)
            """
        );

        await move.PromoteAsync();

        Assert.Empty(
            await new DatabaseComparer(move.Shared, move.Isolated).CompareRowsAsync([
                new("public.tenants", "id = 1"),
                new("public.notes", "tenant_id = 1"),
                new("public.remarks", "note_id IN (SELECT id FROM public.notes WHERE tenant_id = 1)"),
            ])
        );
    }

    [Fact]
    public async Task A_database_that_was_there_before_stays_there_empty()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.Shared.Cluster.CreateDatabaseAsync(move.TargetName, Servers.Admin);
        await move.PromoteAsync(stopBefore: PhaseName.CutOver);
        Assert.Equal(
            2,
            await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname IN ('notes', 'remarks')")
        );

        await move.RollBackAsync();

        Assert.True(await move.IsolatedExistsAsync());
        Assert.Empty(
            await move.Isolated.QueryAsync<string>(
                """
                SELECT relname FROM pg_class WHERE oid >= 16384
                UNION ALL SELECT proname FROM pg_proc WHERE oid >= 16384
                UNION ALL SELECT nspname FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
                """
            )
        );
    }

    [Fact]
    public async Task Roles_that_the_promotion_created_on_the_other_server_go_with_the_database()
    {
        var role = Servers.NewName("reader");
        await using var move = await TenantMove.CreateAsync(
            servers,
            Schema + $"CREATE ROLE {role}; GRANT SELECT ON notes TO {role};",
            servers.Dedicated
        );
        var dedicated = new TestDatabase(servers.Dedicated, "postgres", Servers.Admin);
        const string exists = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = @role)";
        await move.PromoteAsync(stopBefore: PhaseName.CopyData);
        Assert.True(await dedicated.ScalarAsync<bool>(exists, new { role }));

        await move.RollBackAsync();

        Assert.False(await dedicated.ScalarAsync<bool>(exists, new { role }));
        await move.Shared.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}", role: EmbeddedCluster.Superuser);
    }

    [Fact]
    public async Task There_is_nothing_to_roll_back_without_a_promotion_and_nothing_twice()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        Assert.Equal(ExitCode.Refused, (await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync())).Code);
        await move.PromoteAsync(stopBefore: PhaseName.InstallGuard);
        await move.RollBackAsync();

        var again = await Assert.ThrowsAsync<MigratorException>(() => move.RollBackAsync());

        Assert.Contains("no promotion", again.Message);
        Assert.Equal(ExitCode.Refused, again.Code);
    }
}
