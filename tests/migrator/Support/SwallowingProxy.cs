using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Migrator.Tests.Support;

/// <summary>
/// A network that goes silent: from a certain text on, nothing is forwarded in either direction, and nothing is closed.
/// </summary>
sealed class SwallowingProxy : IAsyncDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource stop = new();
    readonly TaskCompletionSource silent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly string host;
    readonly int port;
    readonly byte[] from;
    readonly TimeSpan length;
    volatile Task stall = Task.CompletedTask;

    /// <param name="from">What a client says as the silence begins; only the first time.</param>
    /// <param name="length">How long the silence lasts.</param>
    public SwallowingProxy(string host, int port, string from, TimeSpan length)
    {
        (this.host, this.port, this.from, this.length) = (host, port, Encoding.UTF8.GetBytes(from), length);
        listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Done when the silence has begun.</summary>
    public Task Silent => silent.Task;

    /// <summary>Done when it is over.</summary>
    public Task Over => Silent.ContinueWith(_ => stall, TaskScheduler.Default).Unwrap();

    async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await listener.AcceptTcpClientAsync(stop.Token));
        }
        catch (OperationCanceledException) { }
    }

    async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            using (var server = new TcpClient { NoDelay = true })
            {
                client.NoDelay = true;
                await stall.WaitAsync(stop.Token);
                await server.ConnectAsync(host, port, stop.Token);
                await Task.WhenAny(
                    PumpAsync(client.GetStream(), server.GetStream(), true),
                    PumpAsync(server.GetStream(), client.GetStream(), false)
                );
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException) { }
    }

    async Task PumpAsync(NetworkStream input, NetworkStream output, bool isClient)
    {
        var buffer = new byte[65536];
        for (int read; (read = await input.ReadAsync(buffer, stop.Token)) > 0; )
        {
            if (isClient && !silent.Task.IsCompleted && buffer.AsSpan(0, read).IndexOf(from) >= 0)
            {
                stall = Task.Delay(length, stop.Token);
                silent.TrySetResult();
            }
            await stall.WaitAsync(stop.Token);
            await output.WriteAsync(buffer.AsMemory(0, read), stop.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
    }
}
