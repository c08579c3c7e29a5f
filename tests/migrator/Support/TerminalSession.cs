using System.Diagnostics;
using System.Text;

namespace Migrator.Tests.Support;

/// <summary>The program on a terminal, with somebody who types: <c>script</c> of util-linux makes the terminal.</summary>
public sealed class TerminalSession : IAsyncDisposable
{
    const string Script = "/usr/bin/script";

    // 'script' may leave before it has read the last lines of a terminal that nobody writes to any more. So the shell stays
    // until somebody who has seen this presses Enter.
    const string Ended = "[the program has ended]";

    readonly Process process;
    readonly StringBuilder screen = new();
    readonly Task reading;

    TerminalSession(Process process)
    {
        this.process = process;
        reading = ReadAsync();
    }

    /// <summary>Whether this machine can make a terminal.</summary>
    public static bool IsPossible => OperatingSystem.IsLinux() && File.Exists(Script);

    /// <summary>Everything that has been shown so far.</summary>
    public string Screen
    {
        get
        {
            lock (screen)
                return screen.ToString();
        }
    }

    public static TerminalSession Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "migrator");
        var words = string.Join(' ', arguments.Prepend(program).Select(word => $"'{word}'"));
        // The shell outlives a Ctrl-C; the program does not inherit that.
        var command = $"trap : INT QUIT; {words}; code=$?; echo '{Ended}'; read -r _; exit $code";
        var start = new ProcessStartInfo(Script, ["--quiet", "--return", "--flush", "--command", command, "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        start.Environment["TERM"] = "xterm";
        return new(Process.Start(start)!);
    }

    /// <summary>Waits until something is shown.</summary>
    public Task UntilAsync(string words) =>
        Waiting.UntilAsync(
            () => Screen.Contains(words, StringComparison.Ordinal) || process.HasExited,
            () => $"'{words}' is never shown:\n{Screen}"
        );

    /// <summary>Types; <c>\x03</c> is Ctrl-C.</summary>
    public async Task TypeAsync(string keys)
    {
        await process.StandardInput.WriteAsync(keys);
        await process.StandardInput.FlushAsync();
    }

    public async Task<int> ExitCodeAsync()
    {
        await UntilAsync(Ended);
        await TypeAsync("\n");
        using var timeout = new CancellationTokenSource(Waiting.Limit);
        await process.WaitForExitAsync(timeout.Token);
        await reading;
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    async Task ReadAsync()
    {
        var buffer = new char[1024];
        while (await process.StandardOutput.ReadAsync(buffer) is > 0 and var length)
            lock (screen)
                screen.Append(buffer, 0, length);
    }
}
