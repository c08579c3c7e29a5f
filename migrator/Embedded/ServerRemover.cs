using System.Text;
using CliWrap;

namespace Migrator.Embedded;

/// <summary>
/// Removes a server when this process ends. A shell beside the server holds one end of a pipe, and this process holds
/// the other end. The pipe closes on dispose, on Ctrl-C, on a crash and on kill -9. The shell then stops the server and
/// removes the directory. There is no other way to stop for good, so no caller can forget one.
/// </summary>
sealed class ServerRemover : IAsyncDisposable
{
    // pg_ctl fails when the server never started or is down already; the directory is removed anyway. The loop
    // is for a start that was under way when its parent died: it may still write, for long where processors are busy. A
    // postmaster without its directory ends by itself.
    const string Script = """
        read -r word
        [ "$word" = keep ] && exit 0
        exec >/dev/null 2>&1
        directory=$1
        shift
        attempt=0
        while [ "$((attempt += 1))" -le 300 ]; do
            "$@" stop -D "$directory/data" -m immediate -t 30
            rm -rf "$directory" && sleep 0.1
            [ -e "$directory" ] || exit 0
            sleep 0.2
        done
        """;

    readonly TaskCompletionSource<string> lastWord = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Task shell;

    /// <param name="root">The server's directory.</param>
    /// <param name="control">The command line of pg_ctl.</param>
    public ServerRemover(string root, string[] control) => shell = Start(root, control, lastWord.Task);

    /// <summary>Leaves server and directory where they are.</summary>
    public async Task KeepAsync()
    {
        lastWord.TrySetResult("keep\n");
        await shell;
    }

    /// <summary>Stops the server and removes its directory.</summary>
    public async ValueTask DisposeAsync()
    {
        lastWord.TrySetResult("");
        await shell;
    }

    static Task<CommandResult> Start(string root, string[] control, Task<string> lastWord)
    {
        // A separate session: signals for our process group (Ctrl-C, kill -9) must not reach the shell.
        string[] session = OperatingSystem.IsLinux() ? ["setsid"] : [];
        string[] line = [.. session, "sh", "-c", Script, "sh", root, .. control];
        return Cli.Wrap(line[0])
            .WithArguments(line[1..])
            .WithWorkingDirectory("/")
            .WithStandardInputPipe(
                PipeSource.Create(
                    async (stdin, cancellationToken) =>
                    {
                        // No data is sent and the pipe stays open until the end: an open pipe means that this
                        // process lives.
                        var word = await lastWord.WaitAsync(cancellationToken);
                        await stdin.WriteAsync(Encoding.ASCII.GetBytes(word), cancellationToken);
                    }
                )
            )
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync()
            .Task;
    }
}
