using Dapper;
using Migrator.Demo;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Npgsql;
using Spectre.Console;

namespace Bench;

/// <summary>What the writes of other tenants cost behind the fence of many tenants who have moved.</summary>
sealed class FenceScenario(BenchmarkServers servers, Summary summary)
{
    const int Moved = 5_000;
    const int Writers = 4;

    public async Task RunAsync()
    {
        var database = await servers.ModerateAsync("fence");
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(servers.Shared.ConnectionString(database, SampleDatabase.Admin))
            {
                MaxAutoPrepare = 5,
            }
        );
        await PrepareAsync(source);
        var fence = await FenceAsync(source);
        List<double> ratesWithout = [],
            ratesWith = [],
            bulkWithout = [],
            bulkWith = [];
        for (var round = 0; round < servers.Rounds; round++)
        {
            await LowerAsync(source, fence);
            ratesWithout.Add(await GuardedWrites.RateAsync(source, Writers, servers.Length));
            bulkWithout.Add(await GuardedWrites.BulkAsync(source));
            await RaiseAsync(source, fence);
            ratesWith.Add(await GuardedWrites.RateAsync(source, Writers, servers.Length));
            bulkWith.Add(await GuardedWrites.BulkAsync(source));
        }
        Show(ratesWithout.Max(), ratesWith.Max(), bulkWithout.Min(), bulkWith.Min());
    }

    void Show(double before, double after, double least, double most)
    {
        var table = new Table()
            .AddColumns($"writes of a tenant, {Moved:N0} others moved", "without", "fence", "ratio")
            .RoundedBorder();
        void Add(string what, double without, double with, Wanted wanted)
        {
            table.AddRow(what, $"{without:N0}", $"{with:N0}", $"{with / without:0.00}");
            summary.Add($"{what}, fence against without", with / without, wanted);
        }
        Add($"{Writers} writers, transactions/s", before, after, Wanted.AtLeast(0.95));
        Add($"{GuardedWrites.ManyRows:N0} rows in a statement, ms", least, most, Wanted.AtMost(1.6));
        AnsiConsole.Write(table);
    }

    static async Task PrepareAsync(NpgsqlDataSource source)
    {
        await GuardedWrites.PrepareAsync(source);
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync("CREATE SCHEMA tenant_promotion");
        await connection.ExecuteAsync(SqlFile.Read("guard.sql"));
    }

    static async Task<Fence> FenceAsync(NpgsqlDataSource source)
    {
        await using var connection = await source.OpenConnectionAsync();
        var scope = await TenantScope.ReadAsync(connection, BenchmarkServers.Tenancy, default);
        return new(source, scope, TimeProvider.System);
    }

    // As 5,000 finalized tenants leave it: a row, and a sequence at the value of those who have left.
    static async Task RaiseAsync(NpgsqlDataSource source, Fence fence)
    {
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync(
            $"""
            INSERT INTO tenant_promotion.guard (tenant_key, tenant_slug, state, pass)
                SELECT gen_random_uuid(), 'moved-' || n, 'moved', gen_random_uuid() FROM generate_series(1, {Moved}) n
            """
        );
        // A transaction of its own for some at a time: each new sequence is a lock.
        await connection.ExecuteAsync(
            """
            DO $$
            DECLARE name text;
            BEGIN
                FOR name IN SELECT tenant_promotion.prefix(tenant_key) || '_attention' FROM tenant_promotion.guard LOOP
                    EXECUTE format('CREATE SEQUENCE tenant_promotion.%I START 3', name);
                    PERFORM nextval(format('tenant_promotion.%I', name));
                    IF random() < 0.005 THEN COMMIT; END IF;
                END LOOP;
            END $$;
            """
        );
        await fence.RaiseAsync(default);
        await connection.ExecuteAsync("ANALYZE tenant_promotion.guard");
    }

    static async Task LowerAsync(NpgsqlDataSource source, Fence fence)
    {
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync("DELETE FROM tenant_promotion.guard");
        await fence.LowerAsync(default);
    }
}
