using System.Globalization;
using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;
using Migrator.Model;

namespace Migrator.Embedded;

/// <summary>A directory with a PostgreSQL server's programs: <c>initdb</c>, <c>pg_ctl</c>, <c>postgres</c>.</summary>
/// <param name="BinDirectory">The directory.</param>
/// <param name="Major">The server's major version: 15 for 15.18.</param>
public sealed partial record PostgresBinaries(string BinDirectory, int Major)
{
    /// <summary>The environment variable that names the directory; it has precedence over all other places.</summary>
    public const string EnvironmentVariable = "POSTGRES_BIN";

    const string DebianRoot = "/usr/lib/postgresql";

    static readonly string[] Needed = ["initdb", "pg_ctl", "postgres"];

    /// <summary>The full path of one of the programs.</summary>
    public string this[string program] => Path.Combine(BinDirectory, program);

    /// <summary>
    /// Looks in <c>POSTGRES_BIN</c>, PATH and Debian's directories, in this order; null if there is none. A
    /// <c>POSTGRES_BIN</c> without a server is an error, because the user named that directory.
    /// </summary>
    public static async Task<PostgresBinaries?> FindAsync(CancellationToken cancellationToken = default)
    {
        var directory = Named(EnvironmentVariable) ?? OnPath() ?? DebianDirectories().FirstOrDefault(IsComplete);
        return directory is null ? null : await ReadAsync(directory, cancellationToken);
    }

    /// <summary>
    /// Looks for one major version: in <c>POSTGRES_BIN_18</c> (for 18), in Debian's directory, and where
    /// <see cref="FindAsync"/> finds a server; null if none has that version.
    /// </summary>
    public static async Task<PostgresBinaries?> FindMajorAsync(int major, CancellationToken cancellationToken = default)
    {
        var debian = Path.Combine(DebianRoot, major.ToString(CultureInfo.InvariantCulture), "bin");
        var directory = Named($"{EnvironmentVariable}_{major}") ?? (IsComplete(debian) ? debian : null);
        var found = directory is null
            ? await FindAsync(cancellationToken)
            : await ReadAsync(directory, cancellationToken);
        return found?.Major == major ? found : null;
    }

    /// <summary>
    /// Like <see cref="FindAsync"/>, but installs Debian's package if there is no server and the package can be
    /// installed.
    /// </summary>
    /// <param name="say">Called before a slow step begins.</param>
    /// <param name="cancellationToken">Cancels the installation.</param>
    /// <exception cref="MigratorException">There is no server, and installing one failed.</exception>
    public static async Task<PostgresBinaries> FindOrInstallAsync(
        Action<string>? say = null,
        CancellationToken cancellationToken = default
    )
    {
        if (await FindAsync(cancellationToken) is { } found)
            return found;

        if (!Environment.IsPrivilegedProcess || InPath("apt-get") is null)
            throw NotFound("");

        say?.Invoke("PostgreSQL is not installed: installing Debian's package 'postgresql' ...");
        // Without package lists the installation needs them first; with stale lists it may still succeed.
        await AptGetAsync(["update"], cancellationToken);
        var failure = await AptGetAsync(
            ["install", "--yes", "--no-install-recommends", "postgresql"],
            cancellationToken
        );
        return await FindAsync(cancellationToken) ?? throw NotFound($" (apt-get failed: {failure})");
    }

    static MigratorException NotFound(string why) =>
        new(
            ExitCode.Failed,
            $"No PostgreSQL server programs (initdb, pg_ctl, postgres) were found{why}. "
                + "Install them (Debian, Ubuntu: 'sudo apt-get install postgresql') "
                + $"or set {EnvironmentVariable} to the directory that holds them."
        );

    static async Task<string> AptGetAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var result = await Cli.Wrap("apt-get")
            .WithArguments(arguments)
            .WithEnvironmentVariables(variables => variables.Set("DEBIAN_FRONTEND", "noninteractive"))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellationToken);
        return result.StandardError.Trim().Split('\n')[^1];
    }

    static string? Named(string variable)
    {
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } directory)
            return null;
        return IsComplete(directory)
            ? Path.GetFullPath(directory)
            : throw new MigratorException(
                ExitCode.Usage,
                $"{variable} is '{directory}', which does not hold initdb, pg_ctl and postgres. "
                    + "Set it to a server's bin directory or unset it."
            );
    }

    static string? OnPath()
    {
        if (InPath("initdb") is not { } initdb)
            return null;
        // A link in /usr/local/bin leads to the directory that also holds pg_dump of the same version.
        var target = File.ResolveLinkTarget(initdb, returnFinalTarget: true)?.FullName ?? initdb;
        return new[] { Path.GetDirectoryName(target)!, Path.GetDirectoryName(initdb)! }.FirstOrDefault(IsComplete);
    }

    static string? InPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, program))
            .FirstOrDefault(File.Exists);

    static IEnumerable<string> DebianDirectories() =>
        from directory in Directory.Exists(DebianRoot) ? Directory.GetDirectories(DebianRoot) : []
        let major = int.TryParse(Path.GetFileName(directory), out var number) ? number : 0
        orderby major descending
        select Path.Combine(directory, "bin");

    static bool IsComplete(string directory) => Needed.All(program => File.Exists(Path.Combine(directory, program)));

    static async Task<PostgresBinaries> ReadAsync(string directory, CancellationToken cancellationToken)
    {
        var postgres = Path.Combine(directory, "postgres");
        var result = await Cli.Wrap(postgres)
            .WithArguments("--version")
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellationToken);
        return VersionPattern.Match(result.StandardOutput) is { Success: true } match
            ? new(directory, int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture))
            : throw new MigratorException(
                ExitCode.Failed,
                $"'{postgres} --version' failed: {(result.StandardOutput + result.StandardError).Trim()}"
            );
    }

    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    static partial Regex VersionPattern { get; }
}
