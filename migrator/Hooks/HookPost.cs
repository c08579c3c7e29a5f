using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Migrator.Messages;
using Migrator.Settings;

namespace Migrator.Hooks;

/// <summary>Posts a message to a hook that is a URL, signed, so that the receiver knows who sent it.</summary>
static class HookPost
{
    /// <summary>The header with <c>sha256=</c> and the HMAC of the body in hexadecimal.</summary>
    public const string SignatureHeader = "X-Migrator-Signature";

    const int MostRead = 4_096;

    // A redirect would carry the message to whoever the receiver names.
    static readonly HttpClient Client = new(new SocketsHttpHandler { AllowAutoRedirect = false })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = 1_000_000,
    };

    public static async Task<HookAnswer> PostAsync(Hook hook, HookMessage message, CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(hook.Secret!) is not { Length: > 0 } secret)
            return HookAnswer.Failed(HookMessages.VariableNotSet(hook.Secret!));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(hook.Timeout);
        try
        {
            using var request = Request(hook.Url!, message, secret);
            using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.IsSuccessStatusCode)
                return HookAnswer.Taken;
            var why = HookMessages.Answered((int)response.StatusCode, await SaidAsync(response, limit.Token));
            return IsRefusal(response.StatusCode) ? HookAnswer.Refused(why) : HookAnswer.Failed(why);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HookAnswer.Failed(HookMessages.TimedOut(hook.Timeout));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return HookAnswer.Failed(HookMessages.Unreachable(e.Message));
        }
    }

    /// <summary>The signature of a body.</summary>
    public static string Sign(string body, string secret) =>
        "sha256="
        + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(body)));

    static HttpRequestMessage Request(Uri url, HookMessage message, string secret)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(message.Body))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            },
        };
        request.Headers.Add("Idempotency-Key", message.Key.ToString());
        request.Headers.Add("X-Migrator-Event", message.Event);
        request.Headers.Add(SignatureHeader, Sign(message.Body, secret));
        return request;
    }

    static bool IsRefusal(HttpStatusCode status) =>
        (int)status is >= 400 and < 500
        && status is not (HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests);

    static async Task<string> SaidAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[MostRead];
        var read = await stream.ReadAtLeastAsync(buffer, MostRead, throwOnEndOfStream: false, cancellationToken);
        return Encoding.UTF8.GetString(buffer, 0, read).Trim();
    }
}
