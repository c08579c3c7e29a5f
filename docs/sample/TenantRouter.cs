using System.Collections.Concurrent;
using System.Data;
using System.Diagnostics;
using System.Net.Sockets;
using Npgsql;
using NpgsqlTypes;

namespace TenantRouting;

/// <summary>
/// Runs an application's transactions in the database that owns the tenant, also while the tenant moves to another one. To be
/// copied and adapted; docs/applications.md says why each part is there.
/// </summary>
/// <param name="shared">The shared database, which knows where each tenant is. Reached directly: LISTEN does not pass a pooler.</param>
/// <param name="isolated">
/// From the name of an isolated database to its data source; called once per name. The application knows the server.
/// </param>
public sealed class TenantRouter(NpgsqlDataSource shared, Func<string, NpgsqlDataSource> isolated) : IAsyncDisposable
{
    const string Channel = "tenant_routing";

    static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(5);
    static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    readonly ConcurrentDictionary<string, Lazy<NpgsqlDataSource>> sources = new();
    readonly Dictionary<string, Route> routes = [];
    readonly CancellationTokenSource stop = new();
    long drops;
    bool listening;
    Task listener = Task.CompletedTask;

    sealed record Route(string Slug, NpgsqlDataSource Source);

    /// <summary>
    /// How long a transaction is repeated before its last error reaches the caller; longer than the longest pause of a
    /// move.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Begins to listen for changed routes. Without it, or while the connection is lost, each transaction looks its route
    /// up.
    /// </summary>
    public void Start() => listener = Task.Run(ListenAsync);

    /// <summary>
    /// Runs the work in one transaction of the tenant and commits. The work may run several times: it does nothing but use the
    /// connection, and lets the exceptions of its statements through.
    /// </summary>
    /// <param name="tenant">The tenant's key.</param>
    /// <param name="work">Gets the connection, on which a transaction is open.</param>
    /// <param name="level">The isolation level.</param>
    /// <param name="cancellationToken">Ends the work and the waiting, not a COMMIT.</param>
    /// <exception cref="OutcomeUnknownException">The connection was lost during COMMIT.</exception>
    public async Task<T> RunAsync<T>(
        string tenant,
        Func<NpgsqlConnection, CancellationToken, Task<T>> work,
        IsolationLevel level = IsolationLevel.ReadCommitted,
        CancellationToken cancellationToken = default
    )
    {
        var began = Stopwatch.GetTimestamp();
        for (var delay = ShortestDelay; ; delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay)
        {
            var stage = Stage.Resolving;
            try
            {
                var source = await ResolveAsync(tenant, cancellationToken);
                stage = Stage.Opening;
                await using var connection = await source.OpenConnectionAsync(cancellationToken);
                stage = Stage.Working;
                await using var transaction = await connection.BeginTransactionAsync(level, cancellationToken);
                await SetTenantAsync(connection, tenant, cancellationToken);
                var result = await work(connection, cancellationToken);
                stage = Stage.Committing;
                await transaction.CommitAsync(CancellationToken.None);
                return result;
            }
            // The server answers a COMMIT that it refuses with an error. Anything else says nothing about what became of it.
            catch (Exception e)
                when (stage == Stage.Committing && e is not PostgresException { InvariantSeverity: "ERROR" })
            {
                throw new OutcomeUnknownException(
                    $"The connection was lost during COMMIT of tenant {tenant}: it may have happened or not.",
                    e
                );
            }
            catch (NpgsqlException e) when (MayRepeat(e, stage) && Stopwatch.GetElapsedTime(began) + delay < Timeout)
            {
                Forget(tenant);
            }
            // Not all at the same moment.
            await Task.Delay(delay * (0.5 + Random.Shared.NextDouble() / 2), cancellationToken);
        }
    }

    /// <summary>Ends the listening and the data sources of the isolated databases.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await listener;
        foreach (var source in sources.Values)
            await source.Value.DisposeAsync();
        stop.Dispose();
    }

    enum Stage
    {
        Resolving,
        Opening,
        Working,
        Committing,
    }

    static bool MayRepeat(NpgsqlException error, Stage stage) =>
        error is PostgresException e
            ? e.SqlState switch
            {
                // The guard: the tenant is moving or has moved.
                PostgresErrorCodes.ReadOnlySqlTransaction => true,
                PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => true,
                // The database is gone, was restarted, or ends our session: the tenant may be elsewhere by now.
                PostgresErrorCodes.AdminShutdown
                or PostgresErrorCodes.CrashShutdown
                or PostgresErrorCodes.CannotConnectNow => true,
                // No such database, no CONNECT on it. Anywhere else these are mistakes, which no retry mends.
                PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege => stage
                    == Stage.Opening,
                _ => false,
            }
            // A lost connection: before COMMIT nothing has happened.
            : error.InnerException is IOException or SocketException;

    static async Task SetTenantAsync(NpgsqlConnection connection, string tenant, CancellationToken cancellationToken)
    {
        // True: until the end of the transaction. The connection goes back to the pool without it.
        await using var command = new NpgsqlCommand("SELECT set_config('app.current_tenant_id', $1, true)", connection)
        {
            Parameters = { new() { Value = tenant } },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    async Task<NpgsqlDataSource> ResolveAsync(string tenant, CancellationToken cancellationToken)
    {
        long seen;
        lock (routes)
        {
            if (routes.TryGetValue(tenant, out var known))
                return known.Source;
            seen = drops;
        }
        var found = await ReadRouteAsync(tenant, cancellationToken);
        lock (routes)
        {
            // What was dropped while we read may be what we have read.
            if (listening && seen == drops)
                routes[tenant] = found;
        }
        return found.Source;
    }

    async Task<Route> ReadRouteAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var connection = await shared.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await SetTenantAsync(connection, tenant, cancellationToken);
        await using var command = new NpgsqlCommand(
            "SELECT slug, isolation_mode, settings -> 'isolation' ->> 'isolated_db_name' FROM tenants WHERE id = $1",
            connection
        )
        {
            // Unknown: the key's type is the column's.
            Parameters =
            {
                new() { Value = tenant, NpgsqlDbType = NpgsqlDbType.Unknown },
            },
        };
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
            throw new KeyNotFoundException($"There is no tenant {tenant}.");
        return new(row.GetString(0), row.GetString(1) == "isolated" ? SourceOf(row.GetString(2)) : shared);
    }

    NpgsqlDataSource SourceOf(string database) => sources.GetOrAdd(database, name => new(() => isolated(name))).Value;

    void Forget(string tenant)
    {
        lock (routes)
        {
            drops++;
            routes.Remove(tenant);
        }
    }

    void ForgetSlug(string slug)
    {
        lock (routes)
        {
            drops++;
            foreach (var (tenant, route) in routes.Where(pair => pair.Value.Slug == slug).ToArray())
            {
                routes.Remove(tenant);
                // Idle connections would be in the way of whoever drops that database.
                if (route.Source != shared)
                    route.Source.Clear();
            }
        }
    }

    void SetListening(bool value)
    {
        lock (routes)
        {
            listening = value;
            // What changed while nobody listened is unknown.
            drops++;
            routes.Clear();
        }
    }

    async Task ListenAsync()
    {
        while (!stop.IsCancellationRequested)
            try
            {
                await using var connection = await shared.OpenConnectionAsync(stop.Token);
                connection.Notification += (_, notification) => ForgetSlug(notification.Payload);
                await using var listen = new NpgsqlCommand("LISTEN " + Channel, connection);
                await listen.ExecuteNonQueryAsync(stop.Token);
                SetListening(true);
                await using var beat = new NpgsqlCommand("SELECT 1", connection)
                {
                    CommandTimeout = (int)Heartbeat.TotalSeconds,
                };
                // A network that went silent looks like a route that never changes.
                while (true)
                    if (!await connection.WaitAsync(Heartbeat, stop.Token))
                        await beat.ExecuteNonQueryAsync(stop.Token);
            }
            catch (Exception)
            {
                // Whatever it was: while nobody listens nothing is cached, and that is right, only slower.
                SetListening(false);
                if (!stop.IsCancellationRequested)
                    await Task.Delay(TimeSpan.FromMilliseconds(500));
            }
    }
}

/// <summary>
/// Nobody knows whether a transaction was committed. Repeat it only if it carries a key by which the database refuses the
/// second time.
/// </summary>
public sealed class OutcomeUnknownException(string message, Exception inner) : Exception(message, inner);
