using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Migrator.Embedded;

namespace Migrator.Tests.Support;

/// <summary>What a proxy does with the startup parameter <c>options</c>.</summary>
public enum StartupOptions
{
    Pass,
    Drop,
    Refuse,
}

/// <summary>
/// A connection pooler in transaction mode, as far as its clients can tell: after each transaction the server session
/// goes back to a pool, and the next one takes whichever was used last.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/protocol-message-formats.html</remarks>
public sealed class PoolingProxy : IAsyncDisposable
{
    const int SslRequest = 80877103;
    const int GssRequest = 80877104;
    const int CancelRequest = 80877102;

    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly ConcurrentStack<NetworkStream> pool = new();
    readonly ConcurrentBag<NetworkStream> servers = [];
    readonly EmbeddedCluster cluster;
    readonly StartupOptions options;

    PoolingProxy(EmbeddedCluster cluster, StartupOptions options)
    {
        this.cluster = cluster;
        this.options = options;
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public static PoolingProxy Start(EmbeddedCluster cluster, StartupOptions options)
    {
        var proxy = new PoolingProxy(cluster, options);
        proxy.listener.Start();
        _ = proxy.AcceptAsync();
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        foreach (var server in servers)
            await server.DisposeAsync();
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener is closed.
        }
    }

    async Task ServeAsync(TcpClient accepted)
    {
        using (accepted)
            try
            {
                var client = accepted.GetStream();
                if (await StartupAsync(client) is not { } startup)
                    return;
                await LogInAsync(client, startup);
                while (await TransactionAsync(client)) { }
            }
            catch (Exception e) when (e is IOException or EndOfStreamException or ObjectDisposedException)
            {
                // The client, or the server, has gone.
            }
    }

    // The client logs in to a session of its own, which then is everybody's.
    async Task LogInAsync(NetworkStream client, byte[] startup)
    {
        var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, cluster.Port);
        var server = connection.GetStream();
        servers.Add(server);
        await server.WriteAsync(startup);
        while (true)
        {
            var message = await ReadAsync(server);
            await client.WriteAsync(message);
            if (message[0] == 'Z')
                break;
            if (message[0] == 'R' && BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(5)) is not (0 or 12))
                await server.WriteAsync(await ReadAsync(client));
        }
        pool.Push(server);
    }

    async Task<bool> TransactionAsync(NetworkStream client)
    {
        var message = await ReadAsync(client);
        if (message[0] == 'X')
            return false;
        Assert.True(pool.TryPop(out var server));
        while (true)
        {
            await server.WriteAsync(message);
            if (message[0] is (byte)'Q' or (byte)'S')
            {
                byte[] answer;
                do await client.WriteAsync(answer = await ReadAsync(server));
                while (answer[0] != 'Z');
                if (answer[5] == 'I')
                {
                    pool.Push(server);
                    return true;
                }
            }
            message = await ReadAsync(client);
            if (message[0] == 'X')
            {
                await server.DisposeAsync();
                return false;
            }
        }
    }

    async Task<byte[]?> StartupAsync(NetworkStream client)
    {
        while (true)
        {
            var length = new byte[4];
            await client.ReadExactlyAsync(length);
            var rest = new byte[BinaryPrimitives.ReadInt32BigEndian(length) - 4];
            await client.ReadExactlyAsync(rest);
            switch (BinaryPrimitives.ReadInt32BigEndian(rest))
            {
                case SslRequest or GssRequest:
                    await client.WriteAsync("N"u8.ToArray());
                    continue;
                case CancelRequest:
                    return null;
            }
            if (options == StartupOptions.Pass)
                return [.. length, .. rest];
            if (options == StartupOptions.Refuse)
            {
                await client.WriteAsync(
                    Message('E', "SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0")
                );
                return null;
            }
            return WithoutOptions(rest);
        }
    }

    static byte[] WithoutOptions(byte[] startup)
    {
        var words = Encoding.UTF8.GetString(startup.AsSpan(4)).TrimEnd('\0').Split('\0');
        var kept = string.Concat(
            words.Chunk(2).Where(pair => pair[0] != "options").Select(pair => $"{pair[0]}\0{pair[1]}\0")
        );
        byte[] body = [.. startup[..4], .. Encoding.UTF8.GetBytes(kept + "\0")];
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, body.Length + 4);
        return [.. length, .. body];
    }

    static async Task<byte[]> ReadAsync(NetworkStream stream)
    {
        var head = new byte[5];
        await stream.ReadExactlyAsync(head);
        var body = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4];
        await stream.ReadExactlyAsync(body);
        return [.. head, .. body];
    }

    static byte[] Message(char type, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length + 4);
        return [(byte)type, .. length, .. bytes];
    }
}
