using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>Sessions of pg_restore work side by side, and may lock each other out.</summary>
public sealed class RestoreAgainTests(Servers servers)
{
    // Event triggers and sequences: what a sequence has counted survives the error.
    const string FailOnce = """
        CREATE SCHEMA once;
        CREATE SEQUENCE once.tries;
        CREATE FUNCTION once.fail() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN
                IF nextval('once.tries') = 1 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
            END $$;
        GRANT USAGE ON SCHEMA once TO PUBLIC;
        CREATE EVENT TRIGGER fail_once ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION once.fail();
        """;

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task What_a_deadlock_of_its_sessions_has_left_out_is_made_by_one_session(string mode)
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            """
            CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text, size int);
            CREATE INDEX by_body ON notes (body);
            CREATE INDEX by_size ON notes (size);
            INSERT INTO notes SELECT n, 1 + n % 2, 'body', n FROM generate_series(1, 10) n;
            """
        );
        move.Mode = mode;

        await move.PromoteMeddledAsync(PhaseName.BuildSchema, () => move.MeddleAsync(FailOnce));

        Assert.Equal(
            ["by_body", "by_size", "notes_pkey"],
            await move.Isolated.QueryAsync<string>(
                "SELECT indexname FROM pg_indexes WHERE tablename = 'notes' ORDER BY 1"
            )
        );
        Assert.Equal(
            3,
            await move.Isolated.ScalarAsync<long>("SELECT last_value FROM once.tries", role: EmbeddedCluster.Superuser)
        );
    }
}
