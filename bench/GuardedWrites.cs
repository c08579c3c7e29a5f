using System.Diagnostics;
using Dapper;
using Npgsql;

namespace Bench;

/// <summary>A tenant's writes to a table of its own: transactions of one row, and one statement of many.</summary>
static class GuardedWrites
{
    public const int ManyRows = 50_000;

    public static async Task PrepareAsync(NpgsqlDataSource source)
    {
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync(
            $"""
            CREATE TABLE guarded (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants, body text, n int);
            CREATE INDEX ON guarded (tenant_id);
            INSERT INTO guarded (tenant_id, body, n)
                SELECT t.id, 'a row of usual length', 0 FROM tenants t, generate_series(1, 10000)
                WHERE slug = '{BenchmarkServers.Slug}'
            """
        );
    }

    /// <summary>A trigger like the guard's that does nothing.</summary>
    public static Task AddEmptyTriggerAsync(NpgsqlDataSource source) =>
        ExecuteAsync(
            source,
            $"""
            CREATE FUNCTION pass_by() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            DO $$ BEGIN
                EXECUTE format('CREATE TRIGGER pass_by BEFORE INSERT OR UPDATE ON guarded FOR EACH ROW '
                    'WHEN (NEW.tenant_id = %L) EXECUTE FUNCTION pass_by()',
                    (SELECT id FROM tenants WHERE slug = '{BenchmarkServers.Slug}'));
            END $$
            """
        );

    public static Task DropEmptyTriggerAsync(NpgsqlDataSource source) =>
        ExecuteAsync(source, "DROP TRIGGER pass_by ON guarded; DROP FUNCTION pass_by()");

    static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync(sql);
    }

    public static async Task<double> RateAsync(NpgsqlDataSource source, int writers, TimeSpan length)
    {
        var clock = Stopwatch.StartNew();
        var counts = await Task.WhenAll(
            Enumerable.Range(0, writers).Select(writer => Task.Run(() => WriteAsync(source, writer, clock, length)))
        );
        return counts.Sum() / clock.Elapsed.TotalSeconds;
    }

    static async Task<long> WriteAsync(NpgsqlDataSource source, int writer, Stopwatch clock, TimeSpan length)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand("UPDATE guarded SET n = n + 1 WHERE id = $1", connection);
        var id = command.Parameters.Add(new() { Value = 0L });
        var count = 0L;
        for (var random = new Random(writer); clock.Elapsed < length; count++)
        {
            id.Value = random.NextInt64(1, 10_001);
            await command.ExecuteNonQueryAsync();
        }
        return count;
    }

    // Without the commit, which waits for the disk.
    public static async Task<double> BulkAsync(NpgsqlDataSource source)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var clock = Stopwatch.StartNew();
        await connection.ExecuteAsync(
            $"""
            INSERT INTO guarded (tenant_id, body, n)
            SELECT t.id, 'a row of usual length', n FROM tenants t, generate_series(1, {ManyRows}) n
            WHERE slug = '{BenchmarkServers.Slug}'
            """
        );
        return clock.Elapsed.TotalMilliseconds;
    }
}
