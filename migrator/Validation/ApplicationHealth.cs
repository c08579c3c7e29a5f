using Migrator.Model;
using Polly;
using Polly.Retry;

namespace Migrator.Validation;

/// <summary>Each health URL answers 2xx within the deadline; a service that is starting gets retries.</summary>
public static class ApplicationHealth
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static async Task<IReadOnlyList<Check>> CheckAsync(
        IReadOnlyList<Uri> urls,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        return await Task.WhenAll(urls.Select(url => CheckAsync(client, url, clock, cancellationToken)));
    }

    static async Task<Check> CheckAsync(
        HttpClient client,
        Uri url,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var last = "no answer";
        try
        {
            await Patience(clock)
                .ExecuteAsync(
                    async token =>
                    {
                        (var healthy, last) = await AskAsync(client, url, token);
                        return healthy;
                    },
                    cancellationToken
                );
            return Check.Of("health", url.ToString(), true, last);
        }
        catch (Polly.Timeout.TimeoutRejectedException)
        {
            return Check.Of("health", url.ToString(), false, $"{last} (for {Deadline.TotalSeconds:0} s)");
        }
    }

    static ResiliencePipeline<bool> Patience(TimeProvider clock) =>
        new ResiliencePipelineBuilder<bool> { TimeProvider = clock }
            .AddTimeout(Deadline)
            .AddRetry(
                new RetryStrategyOptions<bool>
                {
                    ShouldHandle = new PredicateBuilder<bool>().HandleResult(false),
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = TimeSpan.FromMilliseconds(250),
                    MaxDelay = TimeSpan.FromSeconds(5),
                    MaxRetryAttempts = int.MaxValue,
                }
            )
            .Build();

    static async Task<(bool Healthy, string Answer)> AskAsync(
        HttpClient client,
        Uri url,
        CancellationToken cancellationToken
    )
    {
        try
        {
            using var response = await client.GetAsync(url, cancellationToken);
            return (response.IsSuccessStatusCode, $"{(int)response.StatusCode} {response.ReasonPhrase}");
        }
        catch (HttpRequestException e)
        {
            return (false, e.Message);
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (false, "no answer within 10 s");
        }
    }
}
