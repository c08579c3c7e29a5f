using System.Diagnostics;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Embedded;

/// <summary>The throw-away server comes up, survives what tests do to it, and leaves nothing behind.</summary>
public sealed class EmbeddedClusterTests
{
    [Fact]
    public async Task A_cluster_answers_as_superuser_and_as_a_role_with_an_odd_name_and_is_gone_afterwards()
    {
        string directory;
        int port;
        await using (var cluster = await StartAsync())
        {
            (directory, port) = (cluster.RootDirectory, cluster.Port);
            await cluster.CreateRoleAsync("""o'dd "role" """, "LOGIN CREATEDB");
            await cluster.CreateDatabaseAsync("""d"b""", """o'dd "role" """);

            var database = new TestDatabase(cluster, """d"b""", """o'dd "role" """);
            Assert.Equal("""o'dd "role" """, await database.ScalarAsync<string>("SELECT current_user"));
            Assert.Equal("off", await database.ScalarAsync<string>("SHOW is_superuser"));
            Assert.Equal("logical", await database.ScalarAsync<string>("SHOW wal_level"));
            Assert.Equal(
                "on",
                await database.ScalarAsync<string>("SHOW is_superuser", role: EmbeddedCluster.Superuser)
            );
            Assert.Equal("UTF8", await database.ScalarAsync<string>("SHOW server_encoding"));
            Assert.True(Directory.Exists(directory));
        }

        await AssertGoneAsync(directory, port);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_on_the_loopback()
    {
        await using var cluster = await StartAsync();
        await using var connection = new NpgsqlConnection(
            cluster.ConnectionString("postgres", EmbeddedCluster.Superuser, "guessed")
        );

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync());

        Assert.Equal(PostgresErrorCodes.InvalidPassword, refusal.SqlState);
    }

    [Theory]
    [InlineData(StopMode.Fast)]
    [InlineData(StopMode.Immediate)]
    public async Task A_restart_keeps_port_and_data(StopMode mode)
    {
        await using var cluster = await StartAsync();
        var database = new TestDatabase(cluster, "postgres", EmbeddedCluster.Superuser);
        await database.ExecuteAsync("CREATE TABLE t AS SELECT 42 AS n");
        var port = cluster.Port;

        await cluster.RestartAsync(mode);

        Assert.Equal(port, cluster.Port);
        Assert.Equal(42, await database.ScalarAsync<int>("SELECT n FROM t"));
    }

    [Fact]
    public async Task A_failed_start_says_what_the_server_said_and_leaves_nothing()
    {
        var settings = new Dictionary<string, string> { ["wal_level"] = "nonsense" };
        var binaries = await PostgresBinaries.FindOrInstallAsync();

        var failure = await Assert.ThrowsAsync<MigratorException>(() => EmbeddedCluster.StartAsync(binaries, settings));

        Assert.Contains(
            "invalid value for parameter \"wal_level\": \"nonsense\"",
            failure.Message,
            StringComparison.Ordinal
        );
        var directory = Regex.Match(failure.Message, @"migrator-pg-\w+").Value;
        Assert.False(Directory.Exists(Path.Combine(Path.GetTempPath(), directory)));
    }

    [Fact]
    public async Task A_start_can_be_cancelled()
    {
        var binaries = await PostgresBinaries.FindOrInstallAsync();
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            EmbeddedCluster.StartAsync(binaries, cancellationToken: cancellation.Token)
        );
    }

    /// <param name="moment">What is there, below a server's directory.</param>
    [Theory]
    [InlineData("data")]
    [SoakData("data/PG_VERSION")]
    [SoakData("log")]
    [InlineData("data/postmaster.pid")]
    public async Task Kill_9_of_the_process_at_any_moment_leaves_no_server_and_no_directory(string moment)
    {
        // What the other process starts is all in here, the clusters that its tests would share included.
        // Not a temporary directory of .NET's, which the server's user could not enter.
        var place = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"killed-{Guid.NewGuid():N}"));
        string[] arguments =
        [
            "exec",
            typeof(EmbeddedClusterTests).Assembly.Location,
            "-explicit",
            "only",
            "-method",
            $"*.{nameof(Holds_a_cluster_until_killed)}",
        ];
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", arguments)
            {
                Environment = { ["TMPDIR"] = place.FullName },
                RedirectStandardOutput = true,
            }
        )!;

        await Waiting.UntilAsync(() =>
        {
            Assert.False(process.HasExited);
            return place
                .GetDirectories("migrator-pg-*")
                .Any(server => Path.Exists(Path.Combine(server.FullName, moment)));
        });
        process.Kill();

        await Waiting.UntilAsync(
            () => place.GetDirectories("migrator-pg-*").Length == 0,
            () => "A directory is still there."
        );
        await Waiting.UntilAsync(
            () => !CommandLines().Any(line => line.Contains(place.FullName)),
            () => "A process is still there."
        );
        place.Delete(recursive: true);
    }

    [Fact(Explicit = true)]
    public async Task Holds_a_cluster_until_killed()
    {
        await using var cluster = await StartAsync();
        await Task.Delay(Timeout.InfiniteTimeSpan, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_directory_without_a_server_is_refused_by_name()
    {
        var empty = Directory.CreateTempSubdirectory("no-postgres-");
        // Of a version that no other test looks for: the environment belongs to all of them.
        Environment.SetEnvironmentVariable("POSTGRES_BIN_8", empty.FullName);

        var refusal = await Assert.ThrowsAsync<MigratorException>(() => PostgresBinaries.FindMajorAsync(8));

        Assert.Contains("POSTGRES_BIN_8", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(empty.FullName, refusal.Message, StringComparison.Ordinal);
        empty.Delete();
    }

    static async Task<EmbeddedCluster> StartAsync() =>
        await EmbeddedCluster.StartAsync(await PostgresBinaries.FindOrInstallAsync());

    static async Task AssertGoneAsync(string directory, int port)
    {
        await Waiting.UntilAsync(() => !Directory.Exists(directory), () => $"{directory} is still there.");
        using var client = new TcpClient();
        await Assert.ThrowsAnyAsync<SocketException>(() => client.ConnectAsync(EmbeddedCluster.Host, port));
    }

    static IEnumerable<string> CommandLines()
    {
        foreach (
            var process in Directory
                .GetDirectories("/proc")
                .Where(directory => char.IsDigit(Path.GetFileName(directory)[0]))
        )
        {
            string line;
            try
            {
                line = File.ReadAllText(Path.Combine(process, "cmdline"));
            }
            catch (IOException)
            {
                // Ended meanwhile.
                continue;
            }

            yield return line;
        }
    }
}
