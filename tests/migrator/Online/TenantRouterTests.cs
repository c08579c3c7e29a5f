using Dapper;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Tests.Support;
using Npgsql;
using TenantRouting;

namespace Migrator.Tests.Online;

/// <summary>The router that applications copy, against two databases and no migrator.</summary>
public sealed class TenantRouterTests(Servers servers)
{
    const string Tenant = RouterStage.Tenant;

    [Fact]
    public async Task A_route_is_remembered_until_a_notification_says_that_it_has_changed()
    {
        await using var stage = await RouterStage.CreateAsync(servers);
        stage.Router.Start();
        await stage.UntilRememberedAsync();

        await stage.RouteAsync(isolated: true);
        Assert.Equal(stage.Shared.Name, await stage.WhereAsync());
        await stage.Shared.ExecuteAsync("NOTIFY tenant_routing, 'acme'");

        await Waiting.UntilAsync(async () => await stage.WhereAsync() == stage.Isolated.Name);
        await stage.RouteAsync(isolated: false);
        await stage.Shared.ExecuteAsync("NOTIFY tenant_routing, 'acme'");
        await Waiting.UntilAsync(async () => await stage.WhereAsync() == stage.Shared.Name);
        // Nothing keeps the database that was left from being dropped.
        await Waiting.UntilAsync(async () =>
            await stage.Isolated.ScalarAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = @Application",
                new { SampleDatabase.Application },
                EmbeddedCluster.Superuser
            ) == 0
        );
    }

    [Fact]
    public async Task What_changed_while_the_listening_connection_was_lost_is_noticed()
    {
        await using var stage = await RouterStage.CreateAsync(servers);
        stage.Router.Start();
        await stage.UntilRememberedAsync();

        await stage.RouteAsync(isolated: true);
        await stage.Shared.ExecuteAsync(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'LISTEN%'
            """,
            role: EmbeddedCluster.Superuser
        );

        await Waiting.UntilAsync(async () => await stage.WhereAsync() == stage.Isolated.Name);
    }

    [Fact]
    public async Task A_write_that_is_turned_away_is_repeated_where_the_tenant_is_by_then()
    {
        await using var stage = await RouterStage.CreateAsync(servers);
        stage.Router.Start();
        await stage.UntilRememberedAsync();
        var attempts = 0;

        var where = await stage.Router.RunAsync(
            Tenant,
            async (connection, _) =>
            {
                if (++attempts == 3)
                    await stage.RouteAsync(isolated: true);
                await connection.ExecuteAsync("INSERT INTO notes VALUES (DEFAULT, 'x')");
                if (connection.Database == stage.Shared.Name)
                    await connection.ExecuteAsync("SELECT fail('25006')");
                return connection.Database;
            }
        );

        Assert.Equal(stage.Isolated.Name, where);
        Assert.Equal(4, attempts);
        Assert.Equal((0, 1), await stage.NotesAsync());
    }

    [Theory]
    [InlineData("25006", true)]
    [InlineData("40001", true)]
    [InlineData("40P01", true)]
    [InlineData("42501", false)]
    [InlineData("23505", false)]
    public async Task Only_errors_that_time_or_place_may_mend_are_repeated_and_not_for_ever(string state, bool repeated)
    {
        await using var stage = await RouterStage.CreateAsync(servers, TimeSpan.FromMilliseconds(300));
        var attempts = 0;

        var error = await Assert.ThrowsAsync<PostgresException>(() =>
            stage.Router.RunAsync(
                Tenant,
                (connection, _) =>
                {
                    attempts++;
                    return connection.ExecuteAsync("SELECT fail(@state)", new { state });
                }
            )
        );

        Assert.Equal(state, error.SqlState);
        Assert.Equal(repeated, attempts > 1);
    }

    [Theory]
    [InlineData("25006", 2)]
    [InlineData("40001", 2)]
    [InlineData("23505", 1)]
    public async Task A_commit_that_the_server_refuses_has_not_happened(string state, int expected)
    {
        await using var stage = await RouterStage.CreateAsync(servers);
        var attempts = 0;
        var write = stage.Router.RunAsync(
            Tenant,
            (connection, _) =>
                connection.ExecuteAsync(
                    "INSERT INTO notes VALUES (DEFAULT, @how)",
                    new { how = ++attempts == 1 ? state : "well" }
                )
        );

        if (expected == 1)
            Assert.Equal(state, (await Assert.ThrowsAsync<PostgresException>(() => write)).SqlState);
        else
            await write;

        Assert.Equal(expected, attempts);
        Assert.Equal((expected - 1, 0), await stage.NotesAsync());
    }

    [Fact]
    public async Task A_connection_lost_during_commit_is_not_repeated()
    {
        await using var stage = await RouterStage.CreateAsync(servers);
        var attempts = 0;

        await Assert.ThrowsAsync<OutcomeUnknownException>(() =>
            stage.Router.RunAsync(
                Tenant,
                (connection, _) =>
                {
                    attempts++;
                    return connection.ExecuteAsync("INSERT INTO notes VALUES (DEFAULT, 'die')");
                }
            )
        );

        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task A_connection_lost_before_commit_is_repeated()
    {
        await using var stage = await RouterStage.CreateAsync(servers);
        var attempts = 0;

        await stage.Router.RunAsync(
            Tenant,
            async (connection, _) =>
            {
                await connection.ExecuteAsync("INSERT INTO notes VALUES (DEFAULT, 'well')");
                return ++attempts < 3
                    ? await connection.ExecuteScalarAsync<bool>("SELECT pg_terminate_backend(pg_backend_pid())")
                    : true;
            }
        );

        Assert.Equal((1, 0), await stage.NotesAsync());
    }

    [Fact]
    public async Task A_database_that_is_not_there_any_more_or_not_open_yet_sends_the_write_back_to_the_route()
    {
        await using var stage = await RouterStage.CreateAsync(servers);
        await stage.RouteAsync(isolated: true);
        await stage.Isolated.ExecuteAsync($"REVOKE CONNECT ON DATABASE {stage.Isolated.Name} FROM PUBLIC");
        var write = stage.Router.RunAsync(
            Tenant,
            (connection, _) => connection.ExecuteAsync("INSERT INTO notes VALUES (DEFAULT, 'well')")
        );
        await stage.UntilRefusedAsync($"permission denied for database \"{stage.Isolated.Name}\"");
        Assert.False(write.IsCompleted);
        await stage.Isolated.ExecuteAsync(
            $"GRANT CONNECT ON DATABASE {stage.Isolated.Name} TO {SampleDatabase.Application}"
        );
        await write;
        Assert.Equal((0, 1), await stage.NotesAsync());

        await stage.Isolated.DisposeAsync();
        write = stage.Router.RunAsync(
            Tenant,
            (connection, _) => connection.ExecuteAsync("INSERT INTO notes VALUES (DEFAULT, 'well')")
        );
        await stage.UntilRefusedAsync($"database \"{stage.Isolated.Name}\" does not exist");
        Assert.False(write.IsCompleted);
        await stage.RouteAsync(isolated: false);
        await write;
        Assert.Equal(1, await stage.Shared.ScalarAsync<int>("SELECT count(*) FROM notes"));
    }
}
