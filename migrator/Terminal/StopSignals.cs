using System.Runtime.InteropServices;
using Migrator.Model;

namespace Migrator.Terminal;

/// <summary>
/// Ctrl-C, and what Docker and Cloud Run send, as a token: the run then leaves the tenant in a state where it can work,
/// which takes a moment. A second signal changes nothing; a run that does not end is ended.
/// </summary>
sealed class StopSignals : IDisposable
{
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    readonly CancellationTokenSource stop = new();
    readonly PosixSignalRegistration[] registrations;
    Timer? end;

    public StopSignals() =>
        registrations = [
            .. ((PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP]).Select(signal =>
                PosixSignalRegistration.Create(signal, Stop)
            ),
        ];

    public CancellationToken Token => stop.Token;

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        end?.Dispose();
        stop.Dispose();
    }

    void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        if (stop.IsCancellationRequested)
            return;
        end = new(_ => Environment.Exit((int)ExitCode.Interrupted), null, Grace, Timeout.InfiniteTimeSpan);
        // What waits for the token runs elsewhere: this thread is to handle the next signal.
        _ = stop.CancelAsync();
    }
}
