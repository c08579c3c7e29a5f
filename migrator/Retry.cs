using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;
using Polly;
using Polly.Retry;

namespace Migrator;

/// <summary>Retries transient failures: four times, after 1, 2, 4 and 8 seconds.</summary>
sealed class Retry(IPromotionProgress progress, TimeProvider clock)
{
    public async Task RunAsync(Func<CancellationToken, Task> attempt, CancellationToken cancellationToken) =>
        await Pipeline()
            .ExecuteAsync(
                async token =>
                {
                    try
                    {
                        await attempt(token);
                    }
                    catch (Exception e) when (ServerFailure.From(e, token) is { } failure)
                    {
                        throw failure;
                    }
                },
                cancellationToken
            );

    ResiliencePipeline Pipeline() =>
        new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(
                new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<MigratorException>(failure => failure.Transient),
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = TimeSpan.FromSeconds(1),
                    MaxRetryAttempts = 4,
                    OnRetry = arguments =>
                    {
                        var message = arguments.Outcome.Exception!.Message;
                        progress.Warn(ServerMessages.Retrying(message, arguments.RetryDelay));
                        return ValueTask.CompletedTask;
                    },
                }
            )
            .Build();
}
