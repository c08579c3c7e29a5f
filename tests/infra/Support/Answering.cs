using System.Net;

namespace Infra.Tests.Support;

/// <summary>
/// A program that answers with the given statuses, one a request, and keeps to the last; it listens nowhere if that is 0.
/// </summary>
sealed class Answering : IDisposable
{
    readonly HttpListener listener = new();

    public Answering(params int[] statuses)
    {
        using (var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            socket.Start();
            Url = $"http://localhost:{((IPEndPoint)socket.LocalEndpoint).Port}/health";
        }

        if (statuses is [0])
            return;

        listener.Prefixes.Add(Url[..^"health".Length]);
        listener.Start();
        _ = AnswerAsync(statuses);
    }

    public string Url { get; }

    public void Dispose() => ((IDisposable)listener).Dispose();

    async Task AnswerAsync(int[] statuses)
    {
        for (var request = 0; ; request++)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // The test has ended.
                return;
            }

            context.Response.StatusCode = statuses[Math.Min(request, statuses.Length - 1)];
            context.Response.Close();
        }
    }
}
