using Microsoft.Extensions.Configuration;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Settings;

/// <summary>Where the servers are, and as whom they are asked. What cannot be read is said, and has no host.</summary>
/// <param name="variables">The environment.</param>
/// <param name="faults">Takes what is wrong.</param>
sealed class ServerSettings(IConfiguration variables, ICollection<string> faults)
{
    public NpgsqlConnectionStringBuilder Shared() =>
        Read(
            "MIGRATOR_SOURCE",
            "DB_",
            new()
            {
                Host = "localhost",
                Port = 5432,
                Database = "factorydb",
                Username = "factoryadmin",
            }
        );

    /// <param name="shared">The server, if no other is named.</param>
    /// <param name="target">The server as <c>host[:port]</c>, from the command line.</param>
    public NpgsqlConnectionStringBuilder Isolated(NpgsqlConnectionStringBuilder shared, string? target)
    {
        var server = Read("MIGRATOR_TARGET", "TARGET_DB_", new(shared.ConnectionString) { Database = "postgres" });
        if (target is null || server.Host is null)
            return server;
        try
        {
            PointAt(server, target);
            return server;
        }
        catch (MigratorException e)
        {
            faults.Add(e.Message);
            return new();
        }
    }

    public AdministratorLogin? Administrator(string prefix) =>
        variables[prefix + "USER"] is { Length: > 0 } user ? new(user, variables[prefix + "PASSWORD"]) : null;

    NpgsqlConnectionStringBuilder Read(string whole, string prefix, NpgsqlConnectionStringBuilder defaults)
    {
        try
        {
            if (variables[whole] is { Length: > 0 } text)
                defaults = new(text);
            else
                Apply(prefix, defaults);
            // Only where the shared server is unreadable, which has been said, there is nothing to be named.
            if (defaults.Host is { Length: > 0 } || variables[whole] is null or "")
                return defaults;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
        {
            // The exception's text may quote the connection string with its password, so the message names the
            // variable only.
        }
        faults.Add(UsageMessages.ConnectionSettingInvalid(whole, prefix));
        return new();
    }

    void Apply(string prefix, NpgsqlConnectionStringBuilder server)
    {
        if (variables[prefix + "HOST"] is { Length: > 0 } host)
            server.Host = host;
        if (variables[prefix + "PORT"] is { Length: > 0 } port)
            server.Port = int.Parse(port);
        if (variables[prefix + "NAME"] is { Length: > 0 } name)
            server.Database = name;
        if (variables[prefix + "USER"] is { Length: > 0 } user)
            server.Username = user;
        if (variables[prefix + "PASSWORD"] is { Length: > 0 } password)
            server.Password = password;
        if (variables[prefix + "SSLMODE"] is { Length: > 0 } mode)
            server.SslMode = Enum.Parse<SslMode>(mode.Replace("-", ""), ignoreCase: true);
        if (variables[prefix + "SSLROOTCERT"] is { Length: > 0 } certificate)
            server.RootCertificate = certificate;
    }

    static void PointAt(NpgsqlConnectionStringBuilder server, string target)
    {
        var parts = target.Split(':');
        if (target.Contains('@') || target.Contains('/') || parts.Length > 2 || parts[0].Length == 0)
            throw UsageMessages.TargetInvalid();
        server.Host = parts[0];
        if (parts.Length == 1)
            return;
        if (!ushort.TryParse(parts[1], out var port))
            throw UsageMessages.TargetInvalid();
        server.Port = port;
    }
}
