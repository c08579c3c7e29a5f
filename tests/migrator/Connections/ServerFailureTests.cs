using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Connections;

/// <summary>
/// Real errors of real servers as a person reads them: the message names the object and the next step, and no value of
/// a row.
/// </summary>
public sealed class ServerFailureTests(Servers servers)
{
    const string Secret = "s3cret@example.com";

    const string Tables = $$"""
        CREATE TYPE mood AS ENUM ('glad');
        CREATE TABLE users (
            id int PRIMARY KEY, email text NOT NULL CONSTRAINT users_email_once UNIQUE,
            age int CONSTRAINT grown_up CHECK (age > 17), mood mood, code varchar(3));
        CREATE TABLE notes (id int PRIMARY KEY, user_id int CONSTRAINT notes_user REFERENCES users, body text);
        INSERT INTO users VALUES (1, '{{Secret}}', 20), (2, 'other@example.com', 30);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no notes today' USING DETAIL = '{{Secret}}'; END $$;
        CREATE TRIGGER refuse BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION refuse();
        """;

    /// <summary>Statements, and what the message must name.</summary>
    public static TheoryData<string, string[]> Statements =>
        new()
        {
            {
                $"INSERT INTO users VALUES (3, '{Secret}', 20)",
                ["public.users", "users_email_once", "Two rows", "23505"]
            },
            {
                $"INSERT INTO notes VALUES (1, 77001, '{Secret}')",
                ["public.notes", "notes_user", "refers to a row", "23503"]
            },
            { $"INSERT INTO users VALUES (3, 'x{Secret}', 3)", ["public.users", "grown_up", "CHECK", "23514"] },
            { "INSERT INTO users VALUES (77001, NULL)", ["public.users", "email", "NOT NULL", "23502"] },
            { "SELECT * FROM no_such_table", ["no_such_table", "schema", "42P01"] },
            { "SELECT no_such_column FROM users", ["no_such_column", "schema", "42703"] },
            { "SELECT no_such_function(1)", ["no_such_function", "schema", "42883"] },
            { "SELECT * FROM pg_authid", ["pg_authid", "GRANT", "42501"] },
            { $"INSERT INTO users (id, email, mood) VALUES (3, 'x', '{Secret}')", ["mood", "type", "22P02"] },
            { $"SELECT '{Secret}'::int", ["integer", "type", "22P02"] },
            { $"SELECT CAST('2024-13-77' AS date), '{Secret}'", ["date", "type", "22008"] },
            { $"UPDATE users SET code = '{Secret}'", ["character varying(3)", "type", "22001"] },
            { $"DELETE FROM users WHERE email = '{Secret}'", ["refuse()", "no notes today", "trigger", "P0001"] },
            { "SET transaction_read_only = on; CREATE TABLE t ()", ["CREATE TABLE", "read-only", "25006"] },
            {
                "CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN deep(n + 1); END'; SELECT deep(1)",
                ["max_stack_depth", "54001"]
            },
            {
                "SET statement_timeout = 1; SELECT pg_sleep(60)",
                ["statement timeout", "run the same command", "57014"]
            },
            { "SELECT pg_terminate_backend(pg_backend_pid())", ["same command again"] },
        };

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task An_error_names_the_object_and_the_next_step_and_no_value(string statement, string[] named)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(Tables);

        Require(await FailureOfAsync(() => RunAsync(database, statement)), named);
    }

    [Fact]
    public async Task A_row_that_cannot_be_copied_in_is_named_by_table_and_column_alone()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(Tables);

        var failure = await FailureOfAsync(async () =>
        {
            await using var connection = await database.OpenAsync();
            await using var copy = await connection.BeginTextImportAsync(
                "COPY users (id, email, age) FROM STDIN",
                TestContext.Current.CancellationToken
            );
            await copy.WriteAsync($"3\tfine\t20\n{Secret}\tfine\t20\n");
        });

        Require(failure, "users", "column id", "22P02");
    }

    [Fact]
    public async Task A_lock_that_others_hold_is_named_by_its_table()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(Tables);
        await using var holder = await database.OpenAsync();
        await using var held = await holder.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await holder.ExecuteAsync("UPDATE users SET age = 40 WHERE id = 1", TestContext.Current.CancellationToken);

        Require(
            await FailureOfAsync(() => RunAsync(database, "SET lock_timeout = 1; UPDATE users SET age = 50")),
            "users",
            "lock",
            "quieter time",
            "55P03"
        );
    }

    [Fact]
    public async Task A_deadlock_is_named_by_its_table()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(Tables);
        await using var other = await database.OpenAsync(EmbeddedCluster.Superuser);
        await using var ours = await database.OpenAsync(EmbeddedCluster.Superuser);
        foreach (var (connection, id) in new[] { (other, 1), (ours, 2) })
        {
            var timeout = connection == ours ? "10ms" : "10min";
            await connection.ExecuteAsync(
                $"SET deadlock_timeout = '{timeout}'; BEGIN; UPDATE users SET age = 40 WHERE id = {id}",
                TestContext.Current.CancellationToken
            );
        }
        var waits = other.ExecuteAsync("UPDATE users SET age = 41 WHERE id = 2", TestContext.Current.CancellationToken);
        await Waiting.UntilAsync(
            database,
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = @ProcessID AND wait_event_type = 'Lock')",
            new { other.ProcessID }
        );

        Require(
            await FailureOfAsync(() =>
                ours.ExecuteAsync("UPDATE users SET age = 41 WHERE id = 1", TestContext.Current.CancellationToken)
            ),
            "users",
            "deadlock",
            "same command again",
            "40P01"
        );
        await ours.ExecuteAsync("ROLLBACK", TestContext.Current.CancellationToken);
        await waits;
    }

    [Theory]
    [InlineData("Password=wrong", "DB_PASSWORD", ExitCode.Refused)]
    [InlineData("Username=nobody_there;Password=x", "DB_USER", ExitCode.Refused)]
    [InlineData("Database=no_such_database", "DB_NAME", ExitCode.Refused)]
    [InlineData("SSL Mode=Require", "DB_SSLMODE", ExitCode.Refused)]
    [InlineData("Port=1", "cannot be reached", ExitCode.Failed)]
    [InlineData("Host=no-such-host.invalid", "cannot be reached", ExitCode.Failed)]
    public async Task A_login_that_fails_says_which_setting_to_look_at(string wrong, string setting, ExitCode code)
    {
        var place = new NpgsqlConnectionStringBuilder(servers.Shared.ConnectionString("postgres", Servers.Admin));
        foreach (var part in wrong.Split(';'))
            place[part.Split('=')[0]] = part.Split('=')[1];
        place.Pooling = false;

        var failure = await FailureOfAsync(async () =>
        {
            await using var connection = new NpgsqlConnection(place.ConnectionString);
            await connection.OpenAsync(TestContext.Current.CancellationToken);
        });

        Require(failure, setting);
        Assert.Equal(code, failure.Code);
        Assert.DoesNotContain(servers.Shared.PasswordOf(Servers.Admin), failure.Message);
    }

    [Fact]
    public async Task Too_many_connections_are_told_with_the_setting_that_limits_them()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            $"ALTER DATABASE {database.Name} CONNECTION LIMIT 0",
            role: EmbeddedCluster.Superuser
        );
        NpgsqlConnection.ClearAllPools();

        var failure = await FailureOfAsync(async () => await (await database.OpenAsync()).DisposeAsync());

        Require(failure, "max_connections", "53300");
        Assert.True(failure.Transient);
    }

    [Fact]
    public async Task A_server_that_ends_our_sessions_can_be_tried_again()
    {
        await using var database = await servers.NewDatabaseAsync();

        var failure = await FailureOfAsync(async () =>
        {
            await using var connection = await database.OpenAsync();
            await database.ExecuteAsync(
                $"SELECT pg_terminate_backend({connection.ProcessID})",
                role: EmbeddedCluster.Superuser
            );
            await connection.ExecuteAsync("SELECT 1", TestContext.Current.CancellationToken);
        });

        Require(failure, "same command again");
        Assert.True(failure.Transient);
    }

    // What a full disk says, which a test cannot have without a file system of its own.
    [Fact]
    public void A_full_disk_is_told_as_such()
    {
        var full = new PostgresException(
            "could not extend file \"base/1/2\": No space left on device",
            "ERROR",
            "ERROR",
            PostgresErrorCodes.DiskFull
        );

        Require(ServerFailure.From(full, CancellationToken.None)!, "disk is full", "Free disk space");
    }

    static void Require(MigratorException failure, params string[] named)
    {
        foreach (var word in named)
            Assert.Contains(word, failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Secret, failure.Message);
        Assert.DoesNotContain("77001", failure.Message);
        Assert.DoesNotContain("2024-13-77", failure.Message);
        Assert.Matches(@"[.!]$", failure.Message);
        Assert.NotNull(failure.InnerException);
    }

    static async Task RunAsync(TestDatabase database, string statement)
    {
        var place = new NpgsqlConnectionStringBuilder(database.ConnectionString())
        {
            Pooling = false,
            IncludeErrorDetail = true,
        };
        await using var connection = new NpgsqlConnection(place.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await connection.ExecuteAsync(statement, TestContext.Current.CancellationToken);
    }

    static async Task<MigratorException> FailureOfAsync(Func<Task> work)
    {
        var thrown = await Assert.ThrowsAnyAsync<Exception>(work);
        return ServerFailure.From(thrown, CancellationToken.None)
            ?? throw new InvalidOperationException("No sentence for it.", thrown);
    }
}
