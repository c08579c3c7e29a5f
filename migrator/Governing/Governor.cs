using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Progress;
using Npgsql;

namespace Migrator.Governing;

/// <summary>
/// The one place that lets a run work or stand still: copy, index builds, comparison, apply, way home and finalize ask
/// here. Looks twice a second what another terminal says, and how busy the shared server is. While the tenant's writes
/// wait, nobody asks and nothing is looked at.
/// </summary>
/// <param name="limits">What the run was started with.</param>
/// <param name="promotion">The promotion; null as long as it has not begun.</param>
public sealed class Governor(
    Databases databases,
    LoadLimits limits,
    Func<long?> promotion,
    ProgressMeter progress,
    TimeProvider clock
) : SideLine(databases.SharedServer, Interval, clock)
{
    const long DefaultReplicaLag = 256_000_000;

    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    readonly Standstill pause = new();
    readonly Standstill overload = new();
    GovernorOrder? order;
    string? stress;
    bool isAsked;
    RateLimit? rate;
    TaskCompletionSource tuned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The tenant's writes wait for what the run does: it waits for a standby only if that was asked for.</summary>
    public bool IsUrgent { get; set; }

    // As it was started, or as another terminal has changed that since.
    LoadLimits Limits =>
        Volatile.Read(ref order) is { } said
            ? new(said.MaxRate, said.MaxReplicaLag, said.MaxActiveSessions, limits.Query)
            : limits;

    long MaxReplicaLag => Limits.MaxReplicaLag ?? (IsUrgent ? 0 : DefaultReplicaLag);

    bool HasLoadLimits => MaxReplicaLag > 0 || Limits.MaxActiveSessions > 0 || limits.Query is not null;

    /// <summary>Before a copy begins: not on a server that has enough to do.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        if (!HasLoadLimits)
            return;
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        if (await ServerLoad.BlindnessAsync(shared, Limits.MaxActiveSessions, cancellationToken) is { } warning)
            progress.Warn(warning);
        await LookAtLoadAsync(shared, cancellationToken);
    }

    /// <summary>To be called with the bytes of each block of the copy.</summary>
    public async ValueTask PassAsync(long bytes, CancellationToken cancellationToken)
    {
        var said = Volatile.Read(ref tuned).Task;
        if (RateOf(Limits.MaxRate)?.PassAsync(bytes, cancellationToken) is { IsCompletedSuccessfully: false } turn)
        {
            // A wait at the old rate ends when another one is said.
            await Task.WhenAny(turn, said);
            cancellationToken.ThrowIfCancellationRequested();
        }
        await WaitAsync(cancellationToken);
    }

    /// <summary>To be called before each step that loads a server: waits while the run is paused or a server overloaded.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        isAsked = true;
        while (pause.Holds || overload.Holds)
        {
            await pause.Over.WaitAsync(cancellationToken);
            await overload.Over.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits while somebody has paused the run.</summary>
    public Task ResumedAsync(CancellationToken cancellationToken) => pause.Over.WaitAsync(cancellationToken);

    /// <summary>Work that a pause ends at once, and that begins again when the run goes on.</summary>
    public async Task<T> RepeatAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            await ResumedAsync(cancellationToken);
            var paused = pause.Begun;
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var working = work(stop.Token);
            if (await Task.WhenAny(working, paused) == working)
                return await working;
            await stop.CancelAsync();
            try
            {
                return await working;
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                // Ended by the pause. A failure of its own comes again with the work.
            }
        }
    }

    /// <inheritdoc/>
    protected override async Task TickAsync(CancellationToken cancellationToken)
    {
        if (progress.IsPause)
            return;
        if (promotion() is { } id)
        {
            var connection = await ConnectAsync(cancellationToken);
            if (
                await GovernorJournal.OfRunAsync(connection, id, cancellationToken) is { ChangedBy: { } by } said
                && said.ChangedAt != order?.ChangedAt
            )
            {
                Obey(said, by);
                await GovernorJournal.ObeyAsync(connection, id, said.ChangedAt, cancellationToken);
            }
        }
        if (overload.Holds || (isAsked && HasLoadLimits))
            await LookAtLoadAsync(await ConnectAsync(cancellationToken), cancellationToken);
        isAsked = false;
    }

    void Obey(GovernorOrder said, string by)
    {
        Volatile.Write(ref order, said);
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref tuned, waiting).SetResult();
        if (!pause.Set(said.Paused))
            progress.Info(GovernorMessages.Tuned(by));
        else if (said.Paused)
            progress.Warn(GovernorMessages.Paused(databases.Slug, by));
        else
            progress.Info(GovernorMessages.Resumed(by));
        TellWhy();
    }

    async Task LookAtLoadAsync(NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        stress = HasLoadLimits
            ? await ServerLoad.StressAsync(
                shared,
                databases.ApplicationName,
                MaxReplicaLag,
                Limits.MaxActiveSessions,
                cancellationToken
            )
            : null;
        if (stress is null && limits.Query is { } query)
            stress = await ThrottleQuery.StressAsync(shared, query, cancellationToken);
        if (!overload.Set(stress is not null))
            return;
        if (stress is null)
            progress.Info(GovernorMessages.GoesOn);
        else
            progress.Warn(stress);
        TellWhy();
    }

    void TellWhy() =>
        progress.Waits(
            pause.Holds ? GovernorMessages.Paused(databases.Slug, order!.ChangedBy!)
            : overload.Holds ? stress
            : null
        );

    // Workers that ask side by side may each make one; the next block goes by the one that stays.
    RateLimit? RateOf(long max) =>
        max == 0 ? null
        : Volatile.Read(ref rate) is { } current && current.BytesPerSecond == max ? current
        : rate = new(max, Clock);
}
