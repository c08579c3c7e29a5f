using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Streaming;

/// <summary>
/// Large values pass a stream in 2.5 times their size: the process has no more memory than that, and what it takes anyway.
/// </summary>
public sealed class LargeValuesTests(Servers servers)
{
    const int Size = 48 << 20;

    // What a promotion without large values takes.
    const int Base = 40 << 20;

    const string Schema = """
        CREATE TABLE files (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, note text,
            bytes bytea, letters text, list jsonb);
        ALTER TABLE files ALTER bytes SET STORAGE EXTERNAL, ALTER letters SET STORAGE EXTERNAL, ALTER list SET STORAGE EXTERNAL;
        INSERT INTO files VALUES (1, 1, 'one'), (2, 2, 'two');
        CREATE FUNCTION letters(size int) RETURNS text LANGUAGE sql
            RETURN repeat(md5(size::text) || 'ä"' || E'\\', size / 36);
        """;

    static string Writes(int first) =>
        $"""
            INSERT INTO files (id, tenant_id, bytes) VALUES ({first}, 1, decode(repeat('00ff5c', {Size / 3}), 'hex'));
            INSERT INTO files (id, tenant_id, letters) VALUES ({first + 1}, 1, letters({Size}));
            INSERT INTO files (id, tenant_id, list) VALUES ({first + 2}, 1, to_jsonb(letters({Size / 2})));
            UPDATE files SET bytes = decode(repeat('aa5c00', {Size / 3}), 'hex') WHERE id = {first};
            UPDATE files SET note = 'noted' WHERE tenant_id = 1;
            """;

    [Fact]
    public async Task They_go_and_come_home_in_little_memory()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        // The stream has them to apply as soon as the promotion goes on.
        await move.PromoteAsync(stopBefore: PhaseName.CatchUp);
        await move.Shared.ExecuteAsync(Writes(10));

        await RunAsync(move, "promote");

        Assert.Equal(await DigestAsync(move.Shared), await DigestAsync(move.Isolated));
        await move.Isolated.ExecuteAsync(Writes(20));

        await RunAsync(move, "rollback");

        Assert.Equal(await DigestAsync(move.Shared), await DigestAsync(move.Isolated));
    }

    static async Task RunAsync(TenantMove move, string verb)
    {
        var (code, _, error) = await MigratorProgram.RunAsync(
            [verb, "--confirm", $"--tenant-slug={move.Slug}", "--routing-dir", move.Settings.RoutingDirectory],
            new Dictionary<string, string?>
            {
                ["MIGRATOR_SOURCE"] = move.Shared.ConnectionString(),
                ["MIGRATOR_TARGET"] = new NpgsqlConnectionStringBuilder(
                    move.Server.ConnectionString("postgres", move.Shared.Owner)
                ).ConnectionString,
                ["DOTNET_GCHeapHardLimit"] = $"0x{Base + Size / 2 * 5:x}",
            }
        );
        Assert.True(code == 0, error);
        Assert.DoesNotContain("All rows are compared", error);
    }

    static Task<IReadOnlyList<string>> DigestAsync(TestDatabase database) =>
        database.QueryAsync<string>(
            """
            SELECT concat_ws(' ', id, note, md5(bytes), octet_length(bytes), md5(letters), md5(list::text))
            FROM files WHERE tenant_id = 1 ORDER BY id
            """
        );
}
