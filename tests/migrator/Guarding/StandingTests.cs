using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Guarding;

/// <summary>A flip needs every trigger of the guard, in a state in which it fires in every session.</summary>
public sealed class StandingTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL);
        INSERT INTO notes (tenant_id) VALUES (1), (2);
        CREATE TABLE days (day date NOT NULL, tenant_id bigint NOT NULL, PRIMARY KEY (day, tenant_id)) PARTITION BY RANGE (day);
        CREATE TABLE days_2024 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        """;

    // Fenced takes the same way: one case there tells that it does.
    public static IEnumerable<TheoryDataRow<string, string>> Ways =>
        (
            from mode in (string[])[PromotionOptions.Online, PromotionOptions.Fenced]
            from way in (string[])
                [
                    "ALTER TABLE notes DISABLE TRIGGER USER",
                    "ALTER TABLE notes DISABLE TRIGGER USER; ALTER TABLE notes ENABLE TRIGGER USER",
                    "ALTER TABLE days_2024 DISABLE TRIGGER USER",
                    """
                        DO $$ BEGIN EXECUTE (SELECT format('DROP TRIGGER %I ON notes', tgname) FROM pg_trigger
                            WHERE tgrelid = 'notes'::regclass AND tgname LIKE '%_delete'); END $$
                        """,
                ]
            select new TheoryDataRow<string, string>(mode, way)
        ).Select((row, number) => number < 5 ? row : row.WithTrait(Soak.Category, Soak.Name));

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_trigger_that_is_missing_or_off_stops_the_cutover_and_the_next_run_installs_it(
        string mode,
        string way
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        move.Mode = mode;

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(PhaseName.CutOver, () => move.Shared.ExecuteAsync(way))
        );

        Assert.Equal(ExitCode.Failed, failure.Code);
        Assert.Contains("were dropped or switched off", failure.Message);
        Assert.Equal("shared", await move.ModeAsync());
        await move.PromoteAsync(validate: false);
        Assert.Equal(1, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_trigger_in_the_place_of_the_guards_is_found_and_replaced(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        move.Mode = mode;

        await move.PromoteMeddledAsync(
            PhaseName.CutOver,
            () =>
                move.Shared.ExecuteAsync(
                    """
                    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                    DO $$ DECLARE name text := (SELECT tgname FROM pg_trigger
                        WHERE tgrelid = 'notes'::regclass AND tgname LIKE '%_insert');
                    BEGIN
                        EXECUTE format('DROP TRIGGER %I ON notes', name);
                        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT ON notes EXECUTE FUNCTION nothing()', name);
                        EXECUTE format('ALTER TABLE notes ENABLE ALWAYS TRIGGER %I', name);
                    END $$
                    """
                )
        );

        var refusal = await Assert.ThrowsAsync<PostgresException>(() =>
            move.Shared.ExecuteAsync("INSERT INTO notes (tenant_id) VALUES (1)")
        );
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refusal.SqlState);
    }
}
