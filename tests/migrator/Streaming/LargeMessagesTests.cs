using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Streaming;

/// <summary>What the stream reads piece by piece because it is too large for that: rows, tables and what others say.</summary>
public sealed class LargeMessagesTests(Servers servers)
{
    const int Wide = 1_200;

    static string Schema { get; } =
        $"""
            CREATE TABLE parcels (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text, note text);
            ALTER TABLE parcels ALTER body SET STORAGE EXTERNAL;
            ALTER TABLE parcels REPLICA IDENTITY FULL;
            INSERT INTO parcels SELECT t * 10 + n, t, letters FROM generate_series(1, 2) t, generate_series(1, 4) n,
                (SELECT string_agg(md5(i::text) || 'ü', '') AS letters FROM generate_series(1, 8000) i) l;
            CREATE TABLE wide (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
            DO $$
            BEGIN
                FOR n IN 1..{Wide} LOOP
                    EXECUTE format('ALTER TABLE wide ADD %I smallint', rpad('column ' || n || ' ', 63, 'o'));
                END LOOP;
            END $$;
            """;

    static string Meanwhile { get; } =
        $"""
            UPDATE parcels SET note = 'changed' WHERE id IN (11, 21);
            UPDATE parcels SET tenant_id = 3 - tenant_id WHERE id IN (12, 22);
            UPDATE parcels SET id = id + 100, body = body || id WHERE id IN (13, 23);
            DELETE FROM parcels WHERE id IN (14, 24);
            INSERT INTO parcels SELECT 200 + t, t, repeat('ä', 1000000) FROM generate_series(1, 2) t;
            SELECT pg_logical_emit_message(true, repeat('said', 50000), repeat('and said', 50000));
            INSERT INTO wide SELECT n, 1 + n % 2 FROM generate_series(1, 20) n;
            UPDATE wide SET {Column(1)} = id, {Column(Wide)} = -id;
            """;

    [Fact]
    public async Task They_arrive_and_come_home()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);

        await move.PromoteMeddledAsync(PhaseName.CatchUp, () => move.Shared.ExecuteAsync(Meanwhile));

        Assert.Equal(await RowsAsync(move.Shared), await RowsAsync(move.Isolated));
        await move.Isolated.ExecuteAsync(
            $"UPDATE parcels SET note = 'at home'; DELETE FROM wide WHERE id > 4; UPDATE wide SET {Column(7)} = 7"
        );
        await move.RollBackAsync();
        Assert.Equal(await RowsAsync(move.Isolated), await RowsAsync(move.Shared));
        Assert.False(move.Watched.HasWarned("compares all rows instead"));
    }

    static string Column(int n) => $"\"{$"column {n} ".PadRight(63, 'o')}\"";

    static Task<IReadOnlyList<string>> RowsAsync(TestDatabase database) =>
        database.QueryAsync<string>(
            $"""
            SELECT concat_ws(' ', id, md5(body), note) FROM parcels WHERE tenant_id = 1
            UNION ALL SELECT concat_ws(' ', 'wide', id, {Column(1)}, {Column(7)}, {Column(
                Wide
            )}) FROM wide WHERE tenant_id = 1
            ORDER BY 1
            """
        );
}
