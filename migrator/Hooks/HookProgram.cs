using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Migrator.Messages;
using Migrator.Settings;

namespace Migrator.Hooks;

/// <summary>Runs a hook that is a program: the message on standard input, no shell, and an end after its time.</summary>
static class HookProgram
{
    const int MostRead = 4_096;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    // The migrator's own logins are none of a hook's business.
    static readonly string[] Secrets =
    [
        "DB_PASSWORD",
        "DB_ADMIN_PASSWORD",
        "TARGET_DB_PASSWORD",
        "TARGET_DB_ADMIN_PASSWORD",
        "MIGRATOR_SOURCE",
        "MIGRATOR_TARGET",
        "MIGRATOR_APPLICATION_PASSWORD",
        "PGPASSWORD",
    ];

    public static async Task<HookAnswer> RunAsync(Hook hook, HookMessage message, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = Start(hook, message) };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            var why = new Win32Exception(e.NativeErrorCode).Message;
            return HookAnswer.Failed(HookMessages.NotStarted(hook.Run[0], why));
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(hook.Timeout);
        var said = new StringBuilder();
        Task[] reading = [ReadAsync(process.StandardOutput, said), ReadAsync(process.StandardError, said)];
        try
        {
            await WriteAsync(process, message.Body, limit.Token);
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            End(process);
            cancellationToken.ThrowIfCancellationRequested();
            return HookAnswer.Failed(HookMessages.TimedOut(hook.Timeout));
        }
        if (process.ExitCode == 0)
            return HookAnswer.Taken;
        // A child that lives on may keep the pipe open.
        await Task.WhenAny(Task.WhenAll(reading), Task.Delay(Patience, cancellationToken));
        lock (said)
            return HookAnswer.Refused(HookMessages.Exited(process.ExitCode, said.ToString().Trim()));
    }

    static ProcessStartInfo Start(Hook hook, HookMessage message)
    {
        var start = new ProcessStartInfo(hook.Run[0], hook.Run.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in Secrets)
            start.Environment.Remove(name);
        start.Environment["HOOK_NAME"] = hook.Name;
        start.Environment["HOOK_EVENT"] = message.Event;
        start.Environment["HOOK_ID"] = message.Key.ToString();
        start.Environment["HOOK_TENANT_SLUG"] = message.TenantSlug;
        start.Environment["HOOK_TENANT_ID"] = message.TenantKey;
        start.Environment["HOOK_PROMOTION"] = message.Promotion.ToString(CultureInfo.InvariantCulture);
        return start;
    }

    static async Task WriteAsync(Process process, string body, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteAsync(body.AsMemory(), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // Not every program reads what it is told.
        }
    }

    // All of it, so that the program does not wait for us; the beginning is kept.
    static async Task ReadAsync(StreamReader from, StringBuilder said)
    {
        var buffer = new char[MostRead];
        try
        {
            while (await from.ReadAsync(buffer) is > 0 and var read)
                lock (said)
                    said.Append(buffer, 0, Math.Min(read, Math.Max(0, MostRead - said.Length)));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The process was ended.
        }
    }

    static void End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has just ended by itself.
        }
    }
}
