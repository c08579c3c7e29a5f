using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Progress;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Hooks;

/// <summary>
/// Delivers what the outbox has for the hooks of a tenant, beside the run: nothing of the run waits for a hook. What is
/// left when the process ends is delivered by the next one.
/// </summary>
/// <param name="isPause">The tenant's writes may be waiting: nothing is delivered.</param>
/// <param name="hasBegun">This process runs the promotion: no other one is delivering.</param>
public sealed class HookCourier(
    Databases databases,
    IReadOnlyList<Hook> hooks,
    IPromotionProgress progress,
    Func<bool> isPause,
    Func<bool> hasBegun,
    TimeProvider clock
) : SideLine(databases.SharedServer, Interval, clock)
{
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // When the process is about to end, no attempt begins later than this.
    static readonly TimeSpan LastCall = TimeSpan.FromSeconds(5);

    static readonly TimeSpan[] Delays =
    [
        TimeSpan.FromSeconds(1),
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(10),
    ];

    const int MostAttempts = 12;

    readonly SemaphoreSlim turn = new(1, 1);
    readonly HashSet<long> told = [];
    readonly string[] names = [.. hooks.Select(hook => hook.Name)];
    readonly TimeSpan lease = hooks.Select(hook => hook.Timeout).DefaultIfEmpty().Max() + TimeSpan.FromSeconds(5);
    bool isInstalled;
    bool hasHurried;
    bool isEnding;

    /// <summary>Does nothing where nobody wants to be told.</summary>
    public void StartIfNeeded()
    {
        if (hooks.Count > 0)
            Start();
    }

    /// <inheritdoc/>
    protected override async Task TickAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            await DeliverAsync(await ConnectAsync(cancellationToken), cancellationToken);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Delivers what is due, and tells what is left.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (hooks.Count > 0)
        {
            // What is on its way comes to its end.
            await turn.WaitAsync(lease);
            // A failed cutover has opened the guard by now.
            isEnding = true;
            try
            {
                await using var connection = Databases.Attended(databases.SharedServer, LastCall);
                await connection.OpenAsync();
                await EmptyAsync(connection, LastCall, CancellationToken.None);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                // The next command delivers it.
            }
        }
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Delivers until nothing is left, or the time is over.</summary>
    public async Task EmptyAsync(NpgsqlConnection connection, TimeSpan limit, CancellationToken cancellationToken)
    {
        var began = Clock.GetTimestamp();
        while (Clock.GetElapsedTime(began) < limit)
        {
            await DeliverAsync(connection, cancellationToken);
            if (!isInstalled || !await HasMoreAsync(connection, cancellationToken))
                return;
            await Task.Delay(Interval, Clock, cancellationToken);
        }
    }

    Task<bool> HasMoreAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (
                SELECT FROM tenant_promotion.outbox
                WHERE tenant_slug = @slug AND hook = ANY (@names) AND delivered_at IS NULL AND given_up_at IS NULL)
            """,
            new { slug = databases.Slug.Text, names },
            cancellationToken
        );

    async Task DeliverAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        isInstalled = isInstalled || await OwnSchema.HasAsync(connection, "outbox", cancellationToken);
        if (!isInstalled)
            return;
        if (!hasHurried && hasBegun())
        {
            // What a process that was killed had in its hands.
            await OutboxJournal.HurryAsync(connection, databases.Slug.Text, givenUp: false, cancellationToken);
            hasHurried = true;
        }
        while (
            (isEnding || !isPause())
            && await OutboxJournal.ClaimAsync(connection, databases.Slug.Text, names, lease, cancellationToken)
                is { Count: > 0 } messages
        )
        {
            // Side by side: one that hangs does not keep the others waiting.
            var answers = await Task.WhenAll(messages.Select(message => CallAsync(message, cancellationToken)));
            foreach (var (message, answer) in messages.Zip(answers))
                await NoteAsync(connection, message, answer, cancellationToken);
        }
    }

    Task<HookAnswer> CallAsync(OutboxRecord message, CancellationToken cancellationToken) =>
        HookCall.RunAsync(hooks.Single(hook => hook.Name == message.Hook), HookMessage.Of(message), cancellationToken);

    async Task NoteAsync(
        NpgsqlConnection connection,
        OutboxRecord message,
        HookAnswer answer,
        CancellationToken cancellationToken
    )
    {
        if (answer.IsTaken)
        {
            await OutboxJournal.DeliveredAsync(connection, message.Id, cancellationToken);
            return;
        }
        var isLast = message.Attempts >= MostAttempts;
        var again = Delays[Math.Clamp(message.Attempts - 1, 0, Delays.Length - 1)];
        await OutboxJournal.FailedAsync(connection, message.Id, answer.Why!, isLast ? null : again, cancellationToken);
        if (told.Add(message.Id) || isLast)
            progress.Warn(HookMessages.NotDelivered(databases.Slug, message.Hook, message.Event, answer.Why!, isLast));
    }
}
