using CliWrap;
using Migrator.Model;

namespace Migrator.Embedded;

/// <summary>The user that runs the server when we are root, which PostgreSQL refuses to run as.</summary>
sealed record Unprivileged(string Uid, string Gid)
{
    /// <summary>What goes before a command to run it as this user.</summary>
    /// <remarks><c>setpriv</c> executes the command in place: no login session, no process in between.</remarks>
    public string[] Prefix => ["setpriv", $"--reuid={Uid}", $"--regid={Gid}", "--clear-groups", "--"];

    /// <summary>The same for a person to type.</summary>
    public string CommandLine => string.Join(' ', Prefix) + " ";

    /// <summary>Null when we are not root and no other user is needed.</summary>
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
                "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'. Run this as another user."
            );
        return new(user[2], user[3]);
    }

    /// <summary>Gives a file or directory to this user.</summary>
    public async Task OwnAsync(string path, CancellationToken cancellationToken) =>
        await Cli.Wrap("chown").WithArguments([$"{Uid}:{Gid}", path]).ExecuteAsync(cancellationToken);
}
