using CliWrap;
using Migrator.Model;

namespace Migrator.Embedded;

/// <summary>
/// The user that runs the server when this process is root, because PostgreSQL refuses to run as root.
/// </summary>
sealed record Unprivileged(string Uid, string Gid)
{
    /// <summary>The words before a command that make it run as this user.</summary>
    /// <remarks><c>setpriv</c> executes the command in place: no login session, no process in between.</remarks>
    public string[] Prefix => ["setpriv", $"--reuid={Uid}", $"--regid={Gid}", "--clear-groups", "--"];

    /// <summary>The same words for a user to type.</summary>
    public string CommandLine => string.Join(' ', Prefix) + " ";

    /// <summary>Null if this process is not root and needs no other user.</summary>
    public static Unprivileged? ForRoot()
    {
        if (!Environment.IsPrivilegedProcess)
            return null;
        var users = File.ReadLines("/etc/passwd")
            .Select(line => line.Split(':'))
            .ToDictionary(fields => fields[0], StringComparer.Ordinal);
        var user =
            users.GetValueOrDefault("postgres")
            ?? users.GetValueOrDefault("nobody")
            ?? throw new MigratorException(
                ExitCode.Failed,
                "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'. "
                    + "Run the same command as another user."
            );
        return new(user[2], user[3]);
    }

    /// <summary>Makes this user the owner of a file or directory.</summary>
    public async Task OwnAsync(string path, CancellationToken cancellationToken) =>
        await Cli.Wrap("chown").WithArguments([$"{Uid}:{Gid}", path]).ExecuteAsync(cancellationToken);
}
