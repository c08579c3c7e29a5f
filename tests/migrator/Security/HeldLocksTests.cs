using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Security;

/// <summary>Any login may take advisory locks and choose its application_name. That stops neither writes nor runs.</summary>
public sealed class HeldLocksTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE items (id serial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        INSERT INTO items (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 20) n;
        """;

    // Every lock whose number anybody can compute, or read in pg_locks while a run is at work.
    static string Hold(string tenantKey, string function) =>
        $"SELECT {function}(1952804978, hashtext('guard ' || '{tenantKey}')), {function}(1952804978, 0); "
        + $"SELECT {function}(1952804978 + n, hashtext('{tenantKey}')) FROM generate_series(0, 999) n; "
        + $@"SELECT {function}(1952804978, hashtext('{tenantKey}' || E'\n' || n)) FROM generate_series(1, 99) n";

    [Theory]
    [SoakData("pg_advisory_lock", PromotionOptions.Online)]
    [SoakData("pg_advisory_lock", PromotionOptions.Fenced)]
    [InlineData("pg_advisory_lock_shared", PromotionOptions.Online)]
    public async Task A_login_that_holds_our_locks_stops_neither_writes_nor_runs(string function, string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = mode;
        await using var stranger = await StrangerAsync(move, "stranger");
        await ExecuteAsync(stranger, Hold("1", function));

        await PromoteAsync(move, stopBefore: "copy");
        await move.Shared.ExecuteAsync("SET statement_timeout = '5s'; INSERT INTO items (tenant_id) VALUES (1)");
        await PromoteAsync(move);
        Assert.Equal(11, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM items"));
        await move.Isolated.ExecuteAsync("INSERT INTO items (tenant_id) VALUES (1)");
        await move.RollBackAsync();

        Assert.Equal(22, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    public async Task Our_own_session_that_holds_another_lock_of_the_tenant_is_a_run()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await using var run = await move.Shared.OpenAsync();
        await ExecuteAsync(
            run,
            $"SELECT pg_advisory_lock({TenantLock.LockClass + ActiveRun.Locks - 1}, hashtext('1'))"
        );

        var busy = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync(validate: false));

        Assert.Equal(ExitCode.Busy, busy.Code);
        Assert.Contains($"process {run.ProcessID} of {Servers.Admin}", busy.Message);
    }

    [Fact]
    public async Task A_stranger_with_our_application_name_is_left_alone()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await using var stranger = await StrangerAsync(move, $"tp/{move.Slug}");
        await using var writing = await stranger.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(stranger, "SELECT pg_current_xact_id()");

        move.Mode = PromotionOptions.Fenced;
        await PromoteAsync(move);
        await ExecuteAsync(stranger, "SELECT 1");
        await move.RollBackAsync();
    }

    // PostgreSQL takes the locks of a prepared statement before it asks for any right on the table.
    // https://www.postgresql.org/docs/current/sql-prepare.html
    [Fact]
    public async Task A_login_without_any_right_that_keeps_a_table_is_named()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await using var stranger = await StrangerAsync(move, "stranger");
        await using var idle = await StrangerAsync(move, "idle");
        await using var keeping = await stranger.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(stranger, "PREPARE statement AS UPDATE items SET id = id");

        await using var run = await move.Shared.OpenAsync();
        var holder = Assert.Single(
            await LockHolders.OfTableAsync(run, new("public", "items"), TestContext.Current.CancellationToken)
        );

        Assert.Contains($"process {stranger.ProcessID} ({stranger.UserName} in {move.Shared.Name})", holder);
    }

    static Task PromoteAsync(TenantMove move, string? stopBefore = null) =>
        move.PromoteAsync(stopBefore, validate: false, maxPause: TimeSpan.FromSeconds(4));

    static async Task<NpgsqlConnection> StrangerAsync(TenantMove move, string application)
    {
        var role = Servers.NewName("stranger");
        await move.Shared.Cluster.CreateRoleAsync(role, "LOGIN");
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(move.Shared.ConnectionString(role))
            {
                ApplicationName = application,
                Pooling = false,
            }.ConnectionString
        );
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
