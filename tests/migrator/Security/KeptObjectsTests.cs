using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Security;

/// <summary>
/// Numbers of relations are no secret. A login without any right keeps our tables, sequences and functions by their numbers: it
/// locks them, and has defaults of temporary tables name them. That stops no verb.
/// </summary>
[EveryVersion]
public sealed class KeptObjectsTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        INSERT INTO items SELECT n, 1 + n % 2 FROM generate_series(1, 20) n;
        CREATE TABLE notes (tenant_id bigint NOT NULL, body text);
        INSERT INTO notes SELECT 1 + n % 2, 'note' FROM generate_series(1, 20) n;
        """;

    // How long a verb may take that somebody could keep for ever.
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Theory]
    [SoakData(false)]
    [InlineData(true)]
    public async Task What_a_login_keeps_by_its_number_stops_no_way_back(bool flipped)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        if (flipped)
            await move.PromoteAsync(validate: false);
        else
            await move.PromoteAsync(stopBefore: PhaseName.Verify, validate: false);
        var login = await LoginAsync(move.Shared);
        await using var names = await NameAsync(move.Shared, login);
        await using var locks = await LockAsync(move.Shared, login);
        await RequireLockedAsync(move.Shared, locks);

        await move.RollBackAsync().WaitAsync(Limit, TestContext.Current.CancellationToken);

        Assert.Equal("shared", await move.ModeAsync());
        Assert.Null(await move.GuardAsync());
        await move.Shared.ExecuteAsync("INSERT INTO items VALUES (101, 1); INSERT INTO notes VALUES (1, 'more')");
        await move.PromoteAsync(validate: false).WaitAsync(Limit, TestContext.Current.CancellationToken);
        Assert.Equal(11, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM items"));
        await EndAsync(move.Shared, names, locks);
        await move.RollBackAsync();
        Assert.Empty(await OwnOfTenantsAsync(move.Shared));
    }

    [Fact]
    public async Task What_a_login_keeps_by_its_number_stops_no_finalize()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        var login = await LoginAsync(move.Shared);
        await using var names = await NameAsync(move.Shared, login);
        await using var locks = await LockAsync(move.Shared, login);

        await move.FinalizeAsync().WaitAsync(Limit, TestContext.Current.CancellationToken);

        Assert.Equal(10, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));
        await move.ForgetAsync().WaitAsync(Limit, TestContext.Current.CancellationToken);
    }

    // A backup reads our tables as well, for hours.
    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task Whoever_reads_our_tables_in_the_tenants_database_does_not_stop_the_way_back(string mode)
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = mode;
        await move.PromoteAsync(validate: false);
        await using var reader = await move.Isolated.OpenAsync(EmbeddedCluster.Superuser);
        await using var reading = await reader.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(
            reader,
            """
            LOCK TABLE tenant_promotion.owner, tenant_promotion.loaded, tenant_promotion.copied_digest,
                tenant_promotion.position, tenant_promotion.suspended IN ACCESS SHARE MODE
            """
        );

        await move.RollBackAsync().WaitAsync(Limit, TestContext.Current.CancellationToken);

        Assert.Equal("shared", await move.ModeAsync());
    }

    [Fact]
    public async Task Whoever_reads_the_database_that_a_rollback_has_kept_is_named_by_the_next_promotion()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(validate: false);
        await move.RollBackAsync();
        await using var reader = await move.Isolated.OpenAsync(EmbeddedCluster.Superuser);
        await using var reading = await reader.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(reader, "LOCK TABLE items IN ACCESS SHARE MODE");

        var locked = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteAsync(validate: false).WaitAsync(Limit, TestContext.Current.CancellationToken)
        );

        Assert.Contains($"process {reader.ProcessID} ", locked.Message);
        await reading.DisposeAsync();
        await move.PromoteAsync(validate: false);
    }

    static async Task<string> LoginAsync(TestDatabase database)
    {
        var role = Servers.NewName("login");
        await database.Cluster.CreateRoleAsync(role, "LOGIN");
        return role;
    }

    // Temporary tables with a default for each object.
    static async Task<NpgsqlConnection> NameAsync(TestDatabase database, string login)
    {
        var connection = await database.OpenAsync(login);
        await ExecuteAsync(
            connection,
            """
            DO $$ DECLARE kept record; BEGIN
                FOR kept IN
                    SELECT c.oid, 'regclass' AS type FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'tenant_promotion' AND c.relkind IN ('r', 'S')
                    UNION ALL
                    SELECT p.oid, 'regprocedure' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                    WHERE n.nspname = 'tenant_promotion'
                LOOP
                    EXECUTE format('CREATE TEMPORARY TABLE kept_%s (a text DEFAULT %L::%s::text)', kept.oid, kept.oid, kept.type);
                END LOOP;
            END $$
            """
        );
        return connection;
    }

    // nextval locks a sequence until the end of the transaction before it asks for a right, table_to_xmlschema a table.
    static async Task<NpgsqlConnection> LockAsync(TestDatabase database, string login)
    {
        var connection = await database.OpenAsync(login);
        await ExecuteAsync(connection, "BEGIN");
        foreach (
            var statement in await database.QueryAsync<string>(
                """
                SELECT CASE relkind WHEN 'S' THEN format('SELECT nextval(%s)', oid)
                       ELSE format('SELECT table_to_xmlschema(%s, true, false, '''')', oid) END
                FROM pg_class WHERE relnamespace = 'tenant_promotion'::regnamespace AND relkind IN ('r', 'S')
                """
            )
        )
            try
            {
                await ExecuteAsync(connection, $"SAVEPOINT one; {statement}");
            }
            catch (PostgresException e)
                when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.FeatureNotSupported)
            {
                await ExecuteAsync(connection, "ROLLBACK TO SAVEPOINT one");
            }
        return connection;
    }

    static async Task EndAsync(TestDatabase database, params NpgsqlConnection[] sessions)
    {
        foreach (var session in sessions)
        {
            var parameters = new { session.ProcessID };
            NpgsqlConnection.ClearPool(session);
            await session.CloseAsync();
            await Waiting.UntilAsync(
                database,
                "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = @ProcessID)",
                parameters
            );
        }
    }

    static async Task RequireLockedAsync(TestDatabase database, NpgsqlConnection holder) =>
        Assert.True(
            await database.ScalarAsync<long>(
                """
                SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                WHERE l.pid = @ProcessID AND c.relname LIKE '~tenant_promotion_%_travelled'
                """,
                new { holder.ProcessID },
                EmbeddedCluster.Superuser
            ) > 0
        );

    static Task<IReadOnlyList<string>> OwnOfTenantsAsync(TestDatabase database) =>
        database.QueryAsync<string>(
            """
            SELECT relname::text FROM pg_class
            WHERE relnamespace = 'tenant_promotion'::regnamespace AND relname LIKE '~tenant_promotion_%'
            UNION ALL
            SELECT proname::text FROM pg_proc
            WHERE pronamespace = 'tenant_promotion'::regnamespace AND proname LIKE '~tenant_promotion_%'
            """
        );

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
