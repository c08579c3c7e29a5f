using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Migrator.Model;
using Npgsql;

namespace Migrator.Embedded;

/// <summary>
/// A temporary PostgreSQL server: a temporary directory and a free loopback port. The server and its directory
/// are removed when this object is disposed or this process ends, however it ends.
/// </summary>
/// <remarks>See <see cref="ServerRemover"/>.</remarks>
public sealed class EmbeddedCluster : IAsyncDisposable
{
    /// <summary>The name of the superuser.</summary>
    public const string Superuser = "postgres";

    /// <summary>Where the server listens.</summary>
    public const string Host = "127.0.0.1";

    /// <summary>Settings for data that may be lost with the machine: no flushing; logical decoding possible.</summary>
    /// <remarks>
    /// <c>synchronous_commit</c> stays on: without flushing it costs nothing, and a commit outlives an immediate stop.
    /// </remarks>
    public static IReadOnlyDictionary<string, string> FastSettings { get; } =
        new Dictionary<string, string>
        {
            ["fsync"] = "off",
            ["full_page_writes"] = "off",
            ["wal_level"] = "logical",
            ["max_wal_senders"] = "20",
            ["max_replication_slots"] = "20",
            ["max_connections"] = "200",
            ["max_prepared_transactions"] = "20",
            ["max_wal_size"] = "4GB",
        };

    const int PortAttempts = 10;

    // A socket's path holds 107 bytes, and the server appends '/.s.PGSQL.54321.lock'. The server also works
    // without a socket.
    const int LongestSocketDirectory = 85;

    readonly Unprivileged? user = Unprivileged.ForRoot();
    readonly ServerPrograms programs;
    readonly ConcurrentDictionary<string, string> passwords = new();
    readonly string root;
    ServerRemover? remover;

    EmbeddedCluster(PostgresBinaries binaries, string root)
    {
        Binaries = binaries;
        this.root = root;
        programs = new(binaries, user, root);
    }

    /// <summary>The programs of the running version.</summary>
    public PostgresBinaries Binaries { get; }

    /// <summary>The loopback port; it stays the same across restarts.</summary>
    public int Port { get; private set; }

    /// <summary>The directory of all files of this server, including the socket.</summary>
    public string RootDirectory => root;

    /// <summary>The data directory.</summary>
    public string DataDirectory => programs.DataDirectory;

    /// <summary>The server's log.</summary>
    public string LogFile => programs.LogFile;

    /// <summary>
    /// A command line for a user to stop the server and remove its directory after
    /// <see cref="LeaveRunningAsync"/>.
    /// </summary>
    public string RemoveCommand =>
        $"{user?.CommandLine}{Binaries["pg_ctl"]} stop -D {DataDirectory} -m immediate && rm -rf {root}";

    /// <summary>Creates and starts a server.</summary>
    /// <param name="binaries">The programs of the server.</param>
    /// <param name="settings">Lines of postgresql.conf; null for <see cref="FastSettings"/>.</param>
    /// <param name="cancellationToken">Cancels the start; no files stay behind.</param>
    /// <exception cref="MigratorException">
    /// The server did not start; the message holds the last lines of its log.
    /// </exception>
    public static async Task<EmbeddedCluster> StartAsync(
        PostgresBinaries binaries,
        IReadOnlyDictionary<string, string>? settings = null,
        CancellationToken cancellationToken = default
    )
    {
        var cluster = new EmbeddedCluster(binaries, Directory.CreateTempSubdirectory("migrator-pg-").FullName);
        try
        {
            await cluster.CreateAsync(settings ?? FastSettings, cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A connection string for the superuser.</summary>
    public string ConnectionString(string database = "postgres") => ConnectionString(database, Superuser);

    /// <summary>
    /// A connection string for a role that this object created, and whose password it therefore knows.
    /// </summary>
    public string ConnectionString(string database, string role) => ConnectionString(database, role, passwords[role]);

    /// <summary>A connection string for any role.</summary>
    public string ConnectionString(string database, string role, string password) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = Host,
            Port = Port,
            Database = database,
            Username = role,
            Password = password,
            IncludeErrorDetail = true,
            ["Server Compatibility Mode"] = "NoTypeLoading",
        }.ConnectionString;

    /// <summary>The password of a role that was created here, or of the superuser.</summary>
    public string PasswordOf(string role) => passwords[role];

    /// <summary>Creates a role with a password; a random one if none is given.</summary>
    /// <param name="role">The role's name; it may need quoting.</param>
    /// <param name="attributes">Keywords of CREATE ROLE, such as <c>LOGIN CREATEDB</c>.</param>
    /// <param name="password">The role's password.</param>
    /// <param name="creator">The role that creates it, and that may grant it (since PostgreSQL 16).</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task CreateRoleAsync(
        string role,
        string attributes = "LOGIN",
        string? password = null,
        string creator = Superuser,
        CancellationToken cancellationToken = default
    )
    {
        var random = RandomPassword.New();
        await ExecuteFormattedAsync(
            creator,
            $"SELECT format('CREATE ROLE %I {attributes} PASSWORD %L', $1, $2)",
            [role, password ?? random.Verifier],
            cancellationToken
        );
        passwords[role] = password ?? random.Text;
    }

    /// <summary>Creates a database, owned by the superuser if no owner is given.</summary>
    /// <remarks>Without flushing the files are copied sooner than the log is written, which each slot would read.</remarks>
    public Task CreateDatabaseAsync(
        string database,
        string owner = Superuser,
        CancellationToken cancellationToken = default
    ) =>
        ExecuteFormattedAsync(
            Superuser,
            $"SELECT format('CREATE DATABASE %I OWNER %I{(Binaries.Major < 15 ? "" : " STRATEGY file_copy")}', $1, $2)",
            [database, owner],
            cancellationToken
        );

    /// <summary>Drops a database and ends its sessions.</summary>
    public Task DropDatabaseAsync(string database, CancellationToken cancellationToken = default) =>
        ExecuteFormattedAsync(
            Superuser,
            "SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1)",
            [database],
            cancellationToken
        );

    /// <summary>
    /// Stops the server and keeps its data; <see cref="StartAsync(CancellationToken)"/> starts it again.
    /// </summary>
    public Task StopAsync(StopMode mode = StopMode.Fast, CancellationToken cancellationToken = default) =>
        programs.StopAsync(mode, cancellationToken);

    /// <summary>Starts the server again on the same port and waits until it answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        var result = await programs.TryStartAsync(cancellationToken);
        if (!result.IsSuccess)
            throw programs.StartFailed(result);
        // Pooled connections lead to the stopped server.
        NpgsqlConnection.ClearAllPools();
    }

    /// <summary>Stops the server and starts it again.</summary>
    public async Task RestartAsync(StopMode mode = StopMode.Fast, CancellationToken cancellationToken = default)
    {
        await StopAsync(mode, cancellationToken);
        await StartAsync(cancellationToken);
    }

    /// <summary>Leaves the server running after this process; <see cref="RemoveCommand"/> stops it.</summary>
    public Task LeaveRunningAsync() => remover!.KeepAsync();

    /// <summary>Stops the server and removes its directory.</summary>
    public ValueTask DisposeAsync() => remover?.DisposeAsync() ?? ValueTask.CompletedTask;

    async Task CreateAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        // Remover first: all files that are created from here on will be removed.
        remover = new(root, [.. user?.Prefix ?? [], Binaries["pg_ctl"]]);
        if (user is not null)
            await user.OwnAsync(root, cancellationToken);

        var password = RandomPassword.New();
        passwords[Superuser] = password.Text;
        await programs.InitializeAsync(password.Verifier, cancellationToken);

        await ConfigureAsync(settings, cancellationToken);
        for (var attempt = 1; ; attempt++)
        {
            Port = FreePort();
            await File.AppendAllTextAsync(
                Path.Combine(DataDirectory, "postgresql.conf"),
                $"port = {Port}\n",
                cancellationToken
            );
            var result = await programs.TryStartAsync(cancellationToken);
            if (result.IsSuccess)
                return;
            // Another process may take the free port before the server does.
            if (
                attempt == PortAttempts
                || !programs.TailOfLog().Contains("Address already in use", StringComparison.Ordinal)
            )
                throw programs.StartFailed(result);
        }
    }

    async Task ConfigureAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var configuration = new StringBuilder("\n");
        foreach (var (name, value) in settings)
            configuration.AppendLine($"{name} = {Quoted(value)}");
        configuration.AppendLine($"listen_addresses = {Quoted(Host)}");
        configuration.AppendLine(
            $"unix_socket_directories = {Quoted(root.Length > LongestSocketDirectory ? "" : root)}"
        );
        configuration.AppendLine("lc_messages = 'C'");
        await File.AppendAllTextAsync(
            Path.Combine(DataDirectory, "postgresql.conf"),
            configuration.ToString(),
            cancellationToken
        );
    }

    async Task ExecuteFormattedAsync(
        string role,
        string formatting,
        string[] values,
        CancellationToken cancellationToken
    )
    {
        // Without a pool: an idle pooled session on 'postgres' or template1 would block CREATE DATABASE.
        var builder = new NpgsqlConnectionStringBuilder(ConnectionString("postgres", role)) { Pooling = false };
        await using var connection = new NpgsqlConnection(builder.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var format = new NpgsqlCommand(formatting, connection);
        foreach (var value in values)
            format.Parameters.Add(new() { Value = value, DataTypeName = "text" });
        var statement = (string)(await format.ExecuteScalarAsync(cancellationToken))!;
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    static string Quoted(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
