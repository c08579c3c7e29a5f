using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Migrator.Hooks;
using Migrator.Settings;

namespace Migrator.Tests.Hooks;

/// <summary>What a hook that is a URL receives, and what its answers mean.</summary>
public sealed class PostedHooksTests : IDisposable
{
    const string Variable = "MIGRATOR_TESTS_HOOK_SECRET";

    static readonly HookMessage Message = new(
        Guid.NewGuid(),
        "flipped",
        "acme",
        "1",
        7,
        """{"event": "flipped", "é": 1}"""
    );

    readonly HttpListener listener = new();
    readonly ConcurrentQueue<(HttpListenerRequest Request, byte[] Body)> received = [];
    readonly Uri url;

    public PostedHooksTests()
    {
        Environment.SetEnvironmentVariable(Variable, "a secret");
        using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            url = new($"http://localhost:{((IPEndPoint)free.LocalEndpoint).Port}/hook/");
        }
        listener.Prefixes.Add(url.ToString());
        listener.Start();
    }

    [Fact]
    public async Task The_body_is_signed_and_the_key_is_sent()
    {
        var answer = await CallAsync(204, "");

        Assert.True(answer.IsTaken);
        var (request, body) = Assert.Single(received);
        Assert.Equal("POST", request.HttpMethod);
        Assert.Equal("application/json", request.ContentType);
        Assert.Equal(Message.Body, Encoding.UTF8.GetString(body));
        Assert.Equal(Message.Key.ToString(), request.Headers["Idempotency-Key"]);
        Assert.Equal("flipped", request.Headers["X-Migrator-Event"]);
        using var hmac = new HMACSHA256("a secret"u8.ToArray());
        Assert.Equal(
            "sha256=" + Convert.ToHexStringLower(hmac.ComputeHash(body)),
            request.Headers["X-Migrator-Signature"]
        );
    }

    [Theory]
    [InlineData(200, true, false)]
    [InlineData(409, false, true)]
    [InlineData(403, false, true)]
    [InlineData(429, false, false)]
    [InlineData(503, false, false)]
    [InlineData(302, false, false)]
    public async Task Only_what_a_receiver_means_as_a_no_is_a_no(int status, bool isTaken, bool isRefused)
    {
        var answer = await CallAsync(status, "until\nMonday");

        Assert.Equal((isTaken, isRefused), (answer.IsTaken, answer.IsRefused));
        Assert.Equal(isTaken ? null : $"the answer was {status}: until Monday", answer.Why);
        Assert.Single(received);
    }

    [Fact]
    public async Task Whoever_does_not_answer_is_not_waited_for()
    {
        var waiting = listener.GetContextAsync();

        var answer = await HookCall.RunAsync(
            Hook() with
            {
                Timeout = TimeSpan.FromMilliseconds(200),
            },
            Message,
            TestContext.Current.CancellationToken
        );

        Assert.Equal((false, false), (answer.IsTaken, answer.IsRefused));
        Assert.Equal("it did not end within 0.2 s and was stopped", answer.Why);
        (await waiting).Response.Abort();
    }

    [Fact]
    public async Task Whoever_is_not_there_is_told_on_one_line()
    {
        listener.Stop();

        var answer = await HookCall.RunAsync(Hook(), Message, TestContext.Current.CancellationToken);

        Assert.StartsWith("nobody answers: ", answer.Why);
        Assert.DoesNotContain('\n', answer.Why!);
    }

    public void Dispose() => listener.Close();

    Hook Hook() => new("post", ["flipped"]) { Url = url, Secret = Variable };

    async Task<HookAnswer> CallAsync(int status, string said)
    {
        var calling = HookCall.RunAsync(Hook(), Message, TestContext.Current.CancellationToken);
        var context = await listener.GetContextAsync();
        using var body = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(body, TestContext.Current.CancellationToken);
        received.Enqueue((context.Request, body.ToArray()));
        context.Response.StatusCode = status;
        context.Response.RedirectLocation = status == 302 ? url.ToString() : null;
        if (status != 204)
            await context.Response.OutputStream.WriteAsync(
                Encoding.UTF8.GetBytes(said),
                TestContext.Current.CancellationToken
            );
        context.Response.Close();
        return await calling;
    }
}
