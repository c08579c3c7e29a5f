using Migrator.Commands;
using Migrator.Model;
using Npgsql;

namespace Migrator.Tests.Commands;

/// <summary>What a program sees that follows a tenant's route.</summary>
public sealed class RoutesTests
{
    [Fact]
    public async Task Each_change_is_a_line_and_a_server_that_is_away_is_none()
    {
        using var stop = new CancellationTokenSource();
        var output = new StringWriter { NewLine = "\n" };
        var (shared, isolated) = (Route("shared", "app"), Route("isolated", "tenant_acme"));
        var looks = new Queue<RoutingDocument?>([shared, Route("shared", "app"), null, isolated, null, shared]);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            RoutesCommand.WatchAsync(Look, output, new Hurried(), stop.Token)
        );

        Assert.Equal($"{shared}\n{isolated}\n{shared}\n", output.ToString());

        Task<RoutingDocument> Look()
        {
            if (looks.TryDequeue(out var route))
                return Task.FromResult(route ?? throw new NpgsqlException("The server is away."));
            stop.Cancel();
            return Task.FromResult(shared);
        }
    }

    [Fact]
    public async Task A_server_that_was_never_there_is_a_failure() =>
        await Assert.ThrowsAsync<NpgsqlException>(() =>
            RoutesCommand.WatchAsync(
                () => throw new NpgsqlException("The server is away."),
                TextWriter.Null,
                new Hurried(),
                CancellationToken.None
            )
        );

    static RoutingDocument Route(string mode, string database) =>
        new("acme", mode, new(database, "localhost", 5432), new("api-acme", "app-acme"));

    /// <summary>A clock on which nothing takes time.</summary>
    sealed class Hurried : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
