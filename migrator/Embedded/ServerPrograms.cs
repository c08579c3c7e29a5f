using CliWrap;
using CliWrap.Buffered;
using Migrator.Model;

namespace Migrator.Embedded;

/// <summary>The programs that make, start and stop a server, run by a user whom they accept.</summary>
/// <param name="root">The directory of all files of the server.</param>
sealed class ServerPrograms(PostgresBinaries binaries, Unprivileged? user, string root)
{
    public string DataDirectory => Path.Combine(root, "data");

    public string LogFile => Path.Combine(root, "log");

    /// <summary>Makes the data directory, for a superuser with this password.</summary>
    public async Task InitializeAsync(string password, CancellationToken cancellationToken)
    {
        var passwordFile = Path.Combine(root, "password");
        await File.WriteAllTextAsync(passwordFile, password, cancellationToken);
        if (user is not null)
            await user.OwnAsync(passwordFile, cancellationToken);

        var result = await InitializeAsync("C.UTF-8");
        if (!result.IsSuccess && result.StandardError.Contains("locale", StringComparison.Ordinal))
            result = await InitializeAsync("C");
        if (!result.IsSuccess)
            throw new MigratorException(ExitCode.Failed, $"initdb failed: {Said(result)}");
        File.Delete(passwordFile);

        Task<BufferedCommandResult> InitializeAsync(string locale) =>
            RunAsync(
                "initdb",
                [
                    "-D",
                    DataDirectory,
                    "--username",
                    EmbeddedCluster.Superuser,
                    .. Encoding,
                    "--locale",
                    locale,
                    .. Authentication(passwordFile),
                ],
                cancellationToken
            );
    }

    static string[] Encoding => ["--encoding", "UTF8", "--no-sync"];

    static string[] Authentication(string passwordFile) =>
        ["--auth-local", "trust", "--auth-host", "scram-sha-256", "--pwfile", passwordFile];

    public Task<BufferedCommandResult> TryStartAsync(CancellationToken cancellationToken) =>
        RunAsync("pg_ctl", ["start", "-D", DataDirectory, "-l", LogFile, "-w", "-t", "60", "-s"], cancellationToken);

    /// <exception cref="MigratorException">The server did not stop.</exception>
    public async Task StopAsync(StopMode mode, CancellationToken cancellationToken)
    {
        var how = mode == StopMode.Fast ? "fast" : "immediate";
        var result = await RunAsync("pg_ctl", ["stop", "-D", DataDirectory, "-m", how, "-w"], cancellationToken);
        if (!result.IsSuccess)
            throw new MigratorException(ExitCode.Failed, $"The embedded PostgreSQL did not stop: {Said(result)}");
    }

    public MigratorException StartFailed(BufferedCommandResult result) =>
        new(ExitCode.Failed, $"The embedded PostgreSQL {binaries.Major} did not start: {Said(result)}\n{TailOfLog()}");

    public string TailOfLog() => File.Exists(LogFile) ? string.Join('\n', File.ReadLines(LogFile).TakeLast(10)) : "";

    async Task<BufferedCommandResult> RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        string[] line = [.. user?.Prefix ?? [], binaries[program], .. arguments];
        return await Cli.Wrap(line[0])
            .WithArguments(line[1..])
            .WithWorkingDirectory(root)
            // Variables for the user's own PostgreSQL must not redirect these programs.
            .WithEnvironmentVariables(variables =>
                variables
                    .Set("LC_ALL", "C")
                    .Set("PGDATA", null)
                    .Set("PGPORT", null)
                    .Set("PGHOST", null)
                    .Set("PGOPTIONS", null)
            )
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellationToken);
    }

    static string Said(BufferedCommandResult result) => (result.StandardError + result.StandardOutput).Trim();
}
