using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Connections;

/// <summary>
/// The connections of one run: to the shared database, to the isolated one, and to the isolated one's server before it
/// exists.
/// </summary>
public sealed class Databases : IAsyncDisposable
{
    /// <summary>
    /// What a role or a database may set that would end our sessions and statements. Whether they may write is not for us
    /// to say: see <see cref="WriteAccess"/>.
    /// </summary>
    public const string UncutOptions = "-c statement_timeout=0 -c lock_timeout=0 -c idle_session_timeout=0";

    // row_security=off turns a read that a policy would filter into an error; the rest makes both sides print values
    // alike. client_connection_check_interval ends a statement whose client is gone, so that a killed run leaves no
    // COPY behind. jit=off: compiling takes longer than it saves, in each session and each parallel worker anew.
    // work_mem: a hash of the tenant's parents stays in memory.
    const string SessionOptions =
        "-c row_security=off -c standard_conforming_strings=on -c extra_float_digits=1 -c DateStyle=ISO,YMD "
        + "-c IntervalStyle=postgres -c TimeZone=UTC -c bytea_output=hex -c xmloption=content -c search_path=pg_catalog "
        + "-c client_connection_check_interval=1000 -c idle_in_transaction_session_timeout=0 "
        + UncutOptions
        + " -c jit=off -c work_mem=16MB"
        + " -c default_transaction_isolation=read\\ committed -c synchronous_commit=on";

    // The memory of an index build; only our sessions have this setting.
    const string IsolatedOptions = SessionOptions + " -c maintenance_work_mem=256MB";

    // A server notices within 20 s that the machine at the other end is gone, and not after two hours.
    const string AttendedOptions =
        " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=20000"
        + " -c idle_session_timeout=20000 -c idle_in_transaction_session_timeout=20000";

    const int LeftoverAttempts = 100;

    static readonly TimeSpan LeftoverInterval = TimeSpan.FromMilliseconds(50);

    Databases(MigratorSettings settings, Slug slug)
    {
        Slug = slug;
        SharedServer = Configure(settings.Source, settings.Source.Database!, slug, SessionOptions);
        IsolatedServer = Configure(settings.Target, slug.DatabaseName, slug, IsolatedOptions);
        MaintenanceServer = Configure(settings.Target, settings.Target.Database ?? "postgres", slug, SessionOptions);
        SharedReplication = settings.SourceAdministrator?.At(SharedServer) ?? SharedServer;
        IsolatedReplication = settings.TargetAdministrator?.At(IsolatedServer) ?? IsolatedServer;
        Shared = NpgsqlDataSource.Create(SharedServer);
        Isolated = NpgsqlDataSource.Create(IsolatedServer);
        Maintenance = NpgsqlDataSource.Create(settings.TargetAdministrator?.At(MaintenanceServer) ?? MaintenanceServer);
        SharedSlots = Slots(Shared, SharedServer, SharedReplication);
        IsolatedSlots = Slots(Isolated, IsolatedServer, IsolatedReplication);
    }

    public Slug Slug { get; }

    public NpgsqlDataSource Shared { get; }

    public NpgsqlDataSource Isolated { get; }

    /// <summary>Another database on the isolated database's server, from which it is created and dropped.</summary>
    public NpgsqlDataSource Maintenance { get; }

    /// <summary>The shared database as a role that may have replication slots; reads no table.</summary>
    public NpgsqlDataSource SharedSlots { get; }

    /// <summary>The same for the isolated database.</summary>
    public NpgsqlDataSource IsolatedSlots { get; }

    public NpgsqlConnectionStringBuilder SharedServer { get; }

    /// <summary>The shared database as a role that may replicate.</summary>
    public NpgsqlConnectionStringBuilder SharedReplication { get; }

    /// <summary>The same for the isolated database.</summary>
    public NpgsqlConnectionStringBuilder IsolatedReplication { get; }

    public NpgsqlConnectionStringBuilder IsolatedServer { get; }

    public NpgsqlConnectionStringBuilder MaintenanceServer { get; }

    /// <summary>
    /// The name of all our sessions in pg_stat_activity, by which a later run ends those that an earlier run left
    /// behind.
    /// </summary>
    public string ApplicationName => ApplicationNameOf(Slug);

    public static Databases For(MigratorSettings settings, Slug slug) => new(settings, slug);

    /// <summary>A connection to the shared database for a command that is about no tenant in particular.</summary>
    public static Task<NpgsqlConnection> OpenSharedAsync(
        MigratorSettings settings,
        CancellationToken cancellationToken
    ) => OpenAsync(settings.Source, cancellationToken);

    /// <summary>The same to any database.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(
        NpgsqlConnectionStringBuilder database,
        CancellationToken cancellationToken
    )
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(database.ConnectionString)
            {
                ApplicationName = "tp",
                Options = SessionOptions,
                ["Server Compatibility Mode"] = "NoTypeLoading",
                Pooling = false,
            }.ConnectionString
        );
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// A connection that holds a lock which others wait for. Its server ends the session within 20 s when we are gone, or
    /// stand still.
    /// </summary>
    /// <remarks>https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-TCP-USER-TIMEOUT</remarks>
    /// <param name="timeout">How long we wait for an answer.</param>
    public static NpgsqlConnection Attended(NpgsqlConnectionStringBuilder server, TimeSpan? timeout = null) =>
        new(
            new NpgsqlConnectionStringBuilder(server.ConnectionString)
            {
                Pooling = false,
                Options = server.Options + AttendedOptions,
                CommandTimeout = (int)Math.Ceiling((timeout ?? TimeSpan.Zero).TotalSeconds),
            }.ConnectionString
        );

    public static string ApplicationNameOf(Slug slug) => "tp/" + slug.Text;

    /// <summary>
    /// Ends sessions that a killed run left on the isolated database's server (a pg_restore lives on without its
    /// parent) and waits until they are gone. The caller holds the tenant's lock, so a session of our name belongs to
    /// no run.
    /// </summary>
    public async Task EndLeftoverSessionsAsync(TimeProvider clock, CancellationToken cancellationToken)
    {
        Isolated.Clear();
        IsolatedSlots.Clear();
        const string terminate = """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE application_name = $1 AND usename IN (current_user, $3) AND datname = $2 AND pid <> pg_backend_pid()
            """;
        for (var attempt = 0; attempt < LeftoverAttempts; attempt++)
        {
            await using var command = Maintenance.CreateCommand(terminate);
            command.Parameters.Add(new() { Value = ApplicationName });
            command.Parameters.Add(new() { Value = Slug.DatabaseName });
            command.Parameters.Add(new() { Value = IsolatedServer.Username ?? "" });
            if (await command.ExecuteScalarAsync(cancellationToken) is 0L)
                return;
            await Task.Delay(LeftoverInterval, clock, cancellationToken);
        }
        throw ServerMessages.LeftoverSessions(Slug);
    }

    /// <summary>Forgets pooled connections: after a failure they may be broken.</summary>
    public void Clear()
    {
        Shared.Clear();
        Isolated.Clear();
        Maintenance.Clear();
        SharedSlots.Clear();
        IsolatedSlots.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await SharedSlots.DisposeAsync();
        await IsolatedSlots.DisposeAsync();
        await Shared.DisposeAsync();
        await Isolated.DisposeAsync();
        await Maintenance.DisposeAsync();
    }

    static NpgsqlDataSource Slots(
        NpgsqlDataSource same,
        NpgsqlConnectionStringBuilder server,
        NpgsqlConnectionStringBuilder replication
    ) => ReferenceEquals(server, replication) ? same : NpgsqlDataSource.Create(replication);

    static NpgsqlConnectionStringBuilder Configure(
        NpgsqlConnectionStringBuilder server,
        string database,
        Slug slug,
        string options
    ) =>
        new(server.ConnectionString)
        {
            Database = database,
            ApplicationName = ApplicationNameOf(slug),
            Options = options,
            MaxPoolSize = 64,
            // A copy is read in fewer pieces.
            ReadBufferSize = 32 * 1024,
            // A statement may run for hours; only a silent network ends it.
            CommandTimeout = 0,
            Timeout = server.Timeout == 15 ? 5 : server.Timeout,
            TcpKeepAlive = true,
            TcpKeepAliveTime = 10,
            TcpKeepAliveInterval = 5,
            NoResetOnClose = false,
            ["Server Compatibility Mode"] = "NoTypeLoading",
            IncludeErrorDetail = true,
            Enlist = false,
        };
}
