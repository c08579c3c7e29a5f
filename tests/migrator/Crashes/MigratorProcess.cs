using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Migrator.Tests.Support;

namespace Migrator.Tests.Crashes;

/// <summary>The migrator as users run it: a process of its own, which can be killed.</summary>
public sealed class MigratorProcess : IAsyncDisposable
{
    readonly Process process;
    readonly StringBuilder log = new();
    readonly List<string> events = [];
    readonly SemaphoreSlim news = new(0);
    readonly Task reading;
    readonly Task<string> output;

    MigratorProcess(Process process)
    {
        this.process = process;
        reading = ReadAsync();
        output = process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>Everything it has said on standard error so far.</summary>
    public string Log
    {
        get
        {
            lock (log)
                return log.ToString();
        }
    }

    public int Id => process.Id;

    /// <summary>Starts the program that lies next to this assembly.</summary>
    public static MigratorProcess Start(
        IEnumerable<string> arguments,
        IEnumerable<(string Name, string Value)> environment,
        string folder
    )
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "migrator"), arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new(Process.Start(start)!);
    }

    /// <summary>
    /// Waits until a phase has started, or ended, as in <see cref="Started.CopyData"/>; without one, until it has got
    /// anywhere.
    /// </summary>
    /// <returns>False when the process ended without getting there.</returns>
    public async Task<bool> ReachesAsync(string? moment = null)
    {
        while (true)
        {
            var ended = reading.IsCompleted;
            if (moment is null ? HasSaidAnything : HasReached(moment))
                return true;
            if (ended)
                return false;
            Assert.True(await news.WaitAsync(Waiting.Limit), $"It does not get to '{moment}':\n{Log}");
        }
    }

    /// <summary>Waits until a phase has started, or ended; that the process ends before is a fault.</summary>
    public async Task MustReachAsync(string moment) =>
        Assert.True(await ReachesAsync(moment), $"It never got to '{moment}':\n{Log}");

    /// <summary>Whether a phase has started, or ended, so far.</summary>
    public bool HasReached(string moment)
    {
        lock (events)
            return events.Contains(moment);
    }

    /// <summary>Kills it on the spot; what it has started lives on.</summary>
    public void Kill()
    {
        if (!process.HasExited)
            process.Kill();
    }

    /// <summary>Ctrl-C.</summary>
    public void Interrupt() => Signal(process.Id, 2);

    /// <summary>What Docker and systemd send.</summary>
    public void Terminate() => Signal(process.Id, 15);

    /// <summary>Stops its clock, as a virtual machine does that is moved.</summary>
    public void Freeze() => Signal(process.Id, 19);

    public void Thaw() => Signal(process.Id, 18);

    /// <summary>Waits for its end.</summary>
    public async Task<int> ExitCodeAsync()
    {
        using var timeout = new CancellationTokenSource(Waiting.Limit);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"It does not end:\n{Log}");
        }
        await reading;
        return process.ExitCode;
    }

    public Task<string> OutputAsync() => output;

    public async ValueTask DisposeAsync()
    {
        Kill();
        await process.WaitForExitAsync();
        // A child that outlived it may hold the pipe.
        process.Dispose();
        news.Dispose();
    }

    bool HasSaidAnything
    {
        get
        {
            lock (events)
                return events.Count > 0;
        }
    }

    async Task ReadAsync()
    {
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            lock (log)
                log.AppendLine(line);
            if (Moment(line) is not { } moment)
                continue;
            lock (events)
                events.Add(moment);
            news.Release();
        }
        news.Release();
    }

    // "started copy", "ended copy".
    static string? Moment(string line)
    {
        if (!line.StartsWith('{'))
            return null;
        using var document = JsonDocument.Parse(line);
        return
            document.RootElement.TryGetProperty("event", out var name)
            && document.RootElement.TryGetProperty("phase", out var phase)
            ? $"{name.GetString()!.Replace("phase_", "")} {phase.GetString()}"
            : null;
    }

    static void Signal(int process, int signal)
    {
        // A process that has just ended is no fault.
        _ = SendSignal(process, signal);
    }

    [DllImport("libc", EntryPoint = "kill")]
    static extern int SendSignal(int process, int signal);
}
