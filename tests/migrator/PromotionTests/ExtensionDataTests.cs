using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>What an extension keeps in tables of its own arrives, by the extension's condition.</summary>
[EveryVersion]
public sealed class ExtensionDataTests(Servers servers)
{
    // No extension at hand has such tables, so one is given them; in the isolated database its script would make them.
    const string Tables = """
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE TABLE part_config (parent text PRIMARY KEY, builtin boolean NOT NULL DEFAULT false);
        CREATE TABLE part_config_sub (parent text REFERENCES part_config, n int);
        INSERT INTO part_config VALUES ('of the extension', true);
        ALTER EXTENSION pg_trgm ADD TABLE part_config;
        ALTER EXTENSION pg_trgm ADD TABLE part_config_sub;
        ALTER TABLE part_config OWNER TO factoryadmin;
        ALTER TABLE part_config_sub OWNER TO factoryadmin;
        """;

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task Configuration_rows_of_an_extension_are_copied_with_its_condition(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, "");
        move.Mode = mode;
        await move.Shared.ExecuteAsync(
            Tables
                + """
                UPDATE pg_extension SET extcondition = ARRAY['WHERE NOT builtin', ''],
                    extconfig = ARRAY['part_config'::regclass::oid, 'part_config_sub'::regclass::oid]
                WHERE extname = 'pg_trgm';
                INSERT INTO part_config VALUES ('public.events');
                INSERT INTO part_config_sub VALUES ('public.events', 2);
                """,
            role: EmbeddedCluster.Superuser
        );

        await move.PromoteMeddledAsync("copy", Tables);

        Assert.Equal(
            ["(\"of the extension\",t)", "(public.events,f)"],
            await move.Isolated.QueryAsync<string>("SELECT c::text FROM part_config c ORDER BY builtin DESC")
        );
        Assert.Equal(2, await move.Isolated.ScalarAsync<int>("SELECT n FROM part_config_sub"));
    }
}
