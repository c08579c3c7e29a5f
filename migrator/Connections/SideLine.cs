using Npgsql;

namespace Migrator.Connections;

/// <summary>
/// Work beside a run, again and again, over a connection of its own and outside the run's transactions. Whatever happens
/// to that connection, the run goes on.
/// </summary>
public abstract class SideLine(NpgsqlConnectionStringBuilder server, TimeSpan interval, TimeProvider clock)
    : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The clock that it works by.</summary>
    protected TimeProvider Clock { get; } = clock;

    CancellationTokenSource? closing;
    NpgsqlConnection? connection;
    Task working = Task.CompletedTask;

    /// <summary>Works from now on, until disposed.</summary>
    public void Start()
    {
        closing = new();
        working = RunAsync(closing.Token);
    }

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (closing is null)
            return;
        await closing.CancelAsync();
        // A server that does not answer is not waited for.
        await Task.WhenAny(working, Task.Delay(Patience, Clock));
        closing.Dispose();
        closing = null;
    }

    /// <summary>What is to be done each time.</summary>
    protected abstract Task TickAsync(CancellationToken cancellationToken);

    /// <summary>The connection; nobody waits for a lock for long on it.</summary>
    protected async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (connection is not null)
            return connection;
        connection = Databases.Attended(server, Patience);
        await connection.OpenAsync(cancellationToken);
        await connection.ExecuteAsync("SET lock_timeout = '1s'; SET synchronous_commit = off", cancellationToken);
        return connection;
    }

    async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(interval, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
                try
                {
                    await TickAsync(cancellationToken);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
                {
                    // The next time goes over a new connection.
                    await ForgetAsync();
                }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested) { }
        finally
        {
            await ForgetAsync();
        }
    }

    async Task ForgetAsync()
    {
        if (connection is not { } broken)
            return;
        connection = null;
        await broken.DisposeAsync();
    }
}
