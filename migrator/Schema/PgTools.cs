using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using CliWrap;
using Migrator.Connections;
using Migrator.Messages;
using Npgsql;

namespace Migrator.Schema;

/// <summary>pg_dump and pg_restore of one major version. Passwords reach them through the environment only.</summary>
/// <remarks>https://www.postgresql.org/docs/current/app-pgdump.html, https://www.postgresql.org/docs/current/libpq-envars.html</remarks>
public sealed partial record PgTools(string Directory, int Major)
{
    /// <summary>
    /// Finds the tools: <c>POSTGRES_BIN</c>, PATH, then Debian's folders. The smallest version that can read the shared
    /// server and speaks the isolated server's dialect is best; null when there is none that can read the shared
    /// server.
    /// </summary>
    public static async Task<PgTools?> FindAsync(
        int sharedMajor,
        int isolatedMajor,
        CancellationToken cancellationToken
    )
    {
        var found = new List<PgTools>();
        var best = Math.Max(sharedMajor, isolatedMajor);
        foreach (var directory in Candidates().Distinct())
            if (
                File.Exists(Path.Combine(directory, Executable("pg_dump")))
                && File.Exists(Path.Combine(directory, Executable("pg_restore")))
                && await MajorAsync(directory, cancellationToken) is { } major
            )
            {
                // No other can be better; on Debian, what stands in PATH takes a while to tell its version.
                if (major == best)
                    return new(directory, major);
                found.Add(new(directory, major));
            }
        return found.Where(tools => tools.Major > best).MinBy(tools => tools.Major)
            ?? found.Where(tools => tools.Major >= sharedMajor).MaxBy(tools => tools.Major);
    }

    /// <summary>Runs one of the tools against a server; the result is what it printed.</summary>
    /// <exception cref="Model.MigratorException">It failed; the sentence holds its first error.</exception>
    public async Task<string> RunAsync(
        string tool,
        NpgsqlConnectionStringBuilder? server,
        IReadOnlyList<string> arguments,
        string? sessionOptions,
        CancellationToken cancellationToken
    )
    {
        var output = new StringBuilder();
        var errors = new StringBuilder();
        var result = await Cli.Wrap(Path.Combine(Directory, Executable(tool)))
            .WithArguments(arguments)
            .WithEnvironmentVariables(
                server is null ? new Dictionary<string, string?>() : Environment(server, sessionOptions)
            )
            .WithStandardOutputPipe(PipeTarget.ToStringBuilder(output))
            .WithStandardErrorPipe(PipeTarget.ToStringBuilder(errors))
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(cancellationToken);
        if (result.ExitCode != 0 && FirstError(errors.ToString()) is { } error)
            throw ServerMessages.ToolFailed(tool, error);
        return output.ToString();
    }

    // pg_restore 17 and later switch transaction_timeout off, which older servers do not know. It goes on after that,
    // and so do we.
    static string? FirstError(string errors)
    {
        var lines = errors.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var real = lines
            .Where(line =>
                line.Contains("error:", StringComparison.Ordinal)
                && !line.Contains("\"transaction_timeout\"", StringComparison.Ordinal)
            )
            .ToArray();
        if (real.Length > 0)
        {
            var at = Array.IndexOf(lines, real[0]);
            return ServerErrors.WithoutRows(lines.Skip(at).Take(3));
        }
        return lines.Any(line => line.Contains("\"transaction_timeout\"", StringComparison.Ordinal))
            ? null
            : errors.Trim();
    }

    static Dictionary<string, string?> Environment(NpgsqlConnectionStringBuilder server, string? sessionOptions) =>
        new()
        {
            ["PGHOST"] = server.Host,
            ["PGPORT"] = server.Port.ToString(),
            ["PGDATABASE"] = server.Database,
            ["PGUSER"] = server.Username,
            ["PGPASSWORD"] = server.Password,
            ["PGPASSFILE"] = server.Passfile,
            ["PGSSLMODE"] = SslMode(server.SslMode),
            ["PGSSLROOTCERT"] = server.RootCertificate,
            ["PGSSLCERT"] = server.SslCertificate,
            ["PGSSLKEY"] = server.SslKey,
            ["PGAPPNAME"] = server.ApplicationName,
            ["PGOPTIONS"] = $"{Databases.UncutOptions} {sessionOptions}",
            ["PGCONNECT_TIMEOUT"] = "10",
            ["LC_ALL"] = "C",
        };

    static string SslMode(SslMode mode) =>
        mode switch
        {
            Npgsql.SslMode.VerifyCA => "verify-ca",
            Npgsql.SslMode.VerifyFull => "verify-full",
            _ => mode.ToString().ToLowerInvariant(),
        };

    static IEnumerable<string> Candidates()
    {
        if (System.Environment.GetEnvironmentVariable("POSTGRES_BIN") is { Length: > 0 } chosen)
            yield return chosen;
        foreach (var directory in (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            if (directory.Length > 0)
                yield return directory;
        const string debian = "/usr/lib/postgresql";
        if (System.IO.Directory.Exists(debian))
            foreach (var version in System.IO.Directory.GetDirectories(debian))
                yield return Path.Combine(version, "bin");
    }

    static async Task<int?> MajorAsync(string directory, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var result = await Cli.Wrap(Path.Combine(directory, Executable("pg_dump")))
            .WithArguments(["--version"])
            .WithStandardOutputPipe(PipeTarget.ToStringBuilder(text))
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(cancellationToken);
        return result.ExitCode == 0 && Version().Match(text.ToString()) is { Success: true } match
            ? int.Parse(match.Groups[1].Value)
            : null;
    }

    static string Executable(string tool) => RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? tool + ".exe" : tool;

    [GeneratedRegex(@"(\d+)(\.\d+|beta|rc|devel)")]
    private static partial Regex Version();
}
