using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Scope;

/// <summary>Several sessions that write at random while a verb of the migrator is at work.</summary>
/// <param name="statement">
/// Draws what a session does next, in one transaction; the number is a key that no row has, as far as chance can tell.
/// </param>
/// <param name="pace">Milliseconds between the statements of a session, so that the stream has an end to reach.</param>
sealed class Turmoil(TestDatabase database, Func<Random, int, string> statement, int pace = 100)
{
    /// <summary>How many sessions write.</summary>
    public const int Sessions = 4;

    /// <summary>Writes until the verb has come to its end.</summary>
    /// <param name="seed">Nobody draws as another session did: a row must not come by a key that somebody else's has.</param>
    public async Task DuringAsync(int seed, Func<Task> verb)
    {
        using var stop = new CancellationTokenSource();
        var written = new int[Sessions];
        var sessions = Enumerable
            .Range(0, Sessions)
            .Select(n => WriteAsync(new(seed + n), number => written[n] = number, stop.Token))
            .ToArray();
        try
        {
            await Waiting.UntilAsync(() => written.All(number => number > 10));
            await verb();
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(sessions);
        }
    }

    async Task WriteAsync(Random random, Action<int> count, CancellationToken stop)
    {
        for (var number = 1; !stop.IsCancellationRequested; number++)
            try
            {
                await database.ExecuteAsync(statement(random, 10_000 + random.Next(1_000_000_000)));
            }
            // The tenant is away; a row has gone meanwhile, or is taken; two sessions have met.
            catch (PostgresException e)
                when (e.SqlState
                        is PostgresErrorCodes.ReadOnlySqlTransaction
                            or PostgresErrorCodes.SerializationFailure
                            or PostgresErrorCodes.DeadlockDetected
                            or PostgresErrorCodes.ForeignKeyViolation
                            or PostgresErrorCodes.UniqueViolation
                ) { }
            finally
            {
                count(number);
                await Task.Delay(pace, CancellationToken.None);
            }
    }
}
