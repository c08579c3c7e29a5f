using CliWrap;
using CliWrap.Buffered;
using Migrator.Embedded;
using Npgsql;

namespace Migrator.Tests.Support;

/// <summary>psql and pg_dump, as they are installed beside a server.</summary>
public static class ClientProgram
{
    /// <summary>The full path of a client program: beside the cluster's server, else beside the default one.</summary>
    public static async Task<string> FindAsync(EmbeddedCluster cluster, string program)
    {
        if (File.Exists(cluster.Binaries[program]))
            return cluster.Binaries[program];
        var fallback = await PostgresBinaries.FindOrInstallAsync();
        return File.Exists(fallback[program]) ? fallback[program] : program;
    }

    /// <summary>
    /// Runs a client program against a database and returns what it printed; an error is an exception.
    /// </summary>
    public static async Task<string> RunAsync(
        TestDatabase database,
        string? role,
        string program,
        IEnumerable<string> arguments,
        string input = ""
    )
    {
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString(role));
        var result = await Cli.Wrap(await FindAsync(database.Cluster, program))
            .WithArguments(arguments)
            .WithEnvironmentVariables(variables =>
                variables
                    .Set("PGHOST", connection.Host)
                    .Set("PGPORT", $"{connection.Port}")
                    .Set("PGDATABASE", connection.Database)
                    .Set("PGUSER", connection.Username)
                    .Set("PGPASSWORD", connection.Password)
                    .Set("PGCLIENTENCODING", "UTF8")
            )
            .WithStandardInputPipe(PipeSource.FromString(input))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync();
        return result.IsSuccess
            ? result.StandardOutput
            : throw new InvalidOperationException($"{program} failed ({result.ExitCode}): {result.StandardError}");
    }
}
