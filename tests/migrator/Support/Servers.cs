using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Tests.Support;

[assembly: AssemblyFixture(typeof(Servers))]

namespace Migrator.Tests.Support;

/// <summary>The two servers that all tests of a run share; each test has databases of its own on them.</summary>
public sealed class Servers : IAsyncLifetime
{
    /// <summary>
    /// The migrator's role as a rule: owns the tables, is no superuser, does not bypass row security.
    /// </summary>
    public const string Admin = SampleDatabase.Admin;

    /// <summary>Like <see cref="Admin"/>, and bypasses row security: what FORCE ROW LEVEL SECURITY takes.</summary>
    public const string BypassingAdmin = "bypassing_admin";

    /// <summary>A group that owns a table; <see cref="Admin"/> is a member.</summary>
    public const string Keeper = "sink_keeper";

    static readonly string[] Groups = [Keeper, "sink_reader"];

    const string TemporaryFiles = "TMPDIR";

    // A database of a test is some 300 files, made and removed: in memory, where there is room, that costs half.
    const string Memory = "/dev/shm";

    const long Room = 6L << 30;

    static readonly Dictionary<string, string> Settings = new(EmbeddedCluster.FastSettings)
    {
        ["max_wal_size"] = "1GB",
        // Nearly each session runs a trigger: it finds the language's library in the server.
        ["shared_preload_libraries"] = "plpgsql",
    };

    static int databases;

    EmbeddedCluster? shared;
    EmbeddedCluster? dedicated;

    /// <summary>The server of the shared databases.</summary>
    public EmbeddedCluster Shared => shared!;

    /// <summary>The server of the isolated databases, where a test promotes to another server.</summary>
    public EmbeddedCluster Dedicated => dedicated!;

    /// <summary>
    /// Starts both servers, of the versions that TEST_SHARED_MAJOR and TEST_DEDICATED_MAJOR ask for, if set.
    /// </summary>
    public async ValueTask InitializeAsync()
    {
        // The migrator's processes live for seconds: their code is not worth profiling.
        Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0");
        var elsewhere = Environment.GetEnvironmentVariable(TemporaryFiles);
        if (new DriveInfo(Memory) is { IsReady: true, AvailableFreeSpace: > Room })
            Environment.SetEnvironmentVariable(TemporaryFiles, Memory);
        var starts = new[] { StartAsync("TEST_SHARED_MAJOR"), StartAsync("TEST_DEDICATED_MAJOR") };
        try
        {
            await Task.WhenAll(starts);
        }
        finally
        {
            Environment.SetEnvironmentVariable(TemporaryFiles, elsewhere);
            // When one fails the other is disposed all the same.
            shared = starts[0].IsCompletedSuccessfully ? await starts[0] : null;
            dedicated = starts[1].IsCompletedSuccessfully ? await starts[1] : null;
        }
        // What stands in PATH on Debian is a script that looks for the newest pg_dump first, each time.
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(PostgresBinaries.EnvironmentVariable)))
            Environment.SetEnvironmentVariable(PostgresBinaries.EnvironmentVariable, Shared.Binaries.BinDirectory);
    }

    /// <summary>Stops both servers.</summary>
    public async ValueTask DisposeAsync()
    {
        if (shared is not null)
            await shared.DisposeAsync();
        if (dedicated is not null)
            await dedicated.DisposeAsync();
    }

    /// <summary>A name that no other database of this run has.</summary>
    public static string NewName(string prefix = "test") => $"{prefix}_{Interlocked.Increment(ref databases)}";

    /// <summary>An empty database on the shared server.</summary>
    public Task<TestDatabase> NewDatabaseAsync(string owner = Admin, string prefix = "test") =>
        TestDatabase.CreateAsync(Shared, NewName(prefix), owner);

    static async Task<EmbeddedCluster> StartAsync(string variable)
    {
        var binaries = int.TryParse(Environment.GetEnvironmentVariable(variable), out var major)
            ? await PostgresBinaries.FindMajorAsync(major)
                ?? throw new InvalidOperationException(
                    $"{variable} asks for PostgreSQL {major}: set POSTGRES_BIN_{major}."
                )
            : await PostgresBinaries.FindOrInstallAsync();
        var cluster = await EmbeddedCluster.StartAsync(binaries, Settings);
        try
        {
            await CreateRolesAsync(cluster);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates the roles that the tests' databases name; for a test that starts a server of its own.</summary>
    public static async Task CreateRolesAsync(EmbeddedCluster cluster)
    {
        await SampleDatabase.CreateRolesAsync(cluster);
        await cluster.CreateRoleAsync(BypassingAdmin, "LOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS");
        foreach (var group in Groups)
            await cluster.CreateRoleAsync(group, "NOLOGIN");
        var postgres = new TestDatabase(cluster, "postgres", EmbeddedCluster.Superuser);
        await postgres.ExecuteAsync($"GRANT {Keeper} TO {Admin}, {BypassingAdmin}");
    }
}
