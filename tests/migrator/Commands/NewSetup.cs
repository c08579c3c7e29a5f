using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Preflight;
using Migrator.Tests.Scope;
using Migrator.Tests.Support;

namespace Migrator.Tests.Commands;

/// <summary>A database of which nobody has moved a tenant yet, and what <c>init</c> has written for it and a superuser has run.</summary>
/// <param name="Move">Moves the tenant with the roles of the scripts, as the written tenancy.json says.</param>
/// <param name="Statements">Those of the scripts, each with its server.</param>
sealed partial record NewSetup(
    TenantMove Move,
    DirectoryInfo Folder,
    IReadOnlyList<(EmbeddedCluster Server, string Text)> Statements
) : IAsyncDisposable
{
    const string Password = "known to the tests";

    /// <summary>Attachments have no foreign key; a name is no slug.</summary>
    public const string Tables = """
        ALTER TABLE tenants RENAME slug TO handle; ALTER TABLE tenants ADD code text NOT NULL DEFAULT 'A B';
        CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
        CREATE TABLE attachments (id int PRIMARY KEY, item_id int NOT NULL);
        CREATE TABLE background_jobs (id int PRIMARY KEY);
        CREATE INDEX ON attachments (item_id);
        INSERT INTO items VALUES (1, 1), (2, 2); INSERT INTO attachments VALUES (1, 1), (2, 2);
        """;

    string SettingsFile => Path.Combine(Folder.FullName, "tenancy.json");

    public static async Task<NewSetup> CreateAsync(Servers servers, bool otherServer)
    {
        var (owner, worker) = (Servers.NewName("owner"), Servers.NewName("worker"));
        var administrator = Servers.NewName("administrator");
        await servers.Shared.CreateRoleAsync(owner, "LOGIN");
        var server = otherServer ? servers.Dedicated : null;
        var made = await TenantMove.CreateAsync(servers, Tables, server, owner: owner);
        await CloseAsync(made);
        var folder = Directory.CreateTempSubdirectory("migrator-tests-");
        var (settings, roles) = (
            Path.Combine(folder.FullName, "tenancy.json"),
            Path.Combine(folder.FullName, "roles.sql")
        );
        string[] names = ["--worker", worker, "--administrator", administrator];
        var (code, output, error) = await MigratorProgram.RunAsync(
            ["init", "--json", "--out", settings, "--sql", roles, .. names],
            Connections(made, EmbeddedCluster.Superuser)
        );
        Assert.True(code == 0, error);
        Assert.False(
            await TenantMove.HasOwnSchemaAsync(new(servers.Shared, made.Shared.Name, EmbeddedCluster.Superuser))
        );

        EmbeddedCluster[] clusters = otherServer ? [servers.Shared, servers.Dedicated] : [servers.Shared];
        var scripts = JsonNode.Parse(output)!["sql_files"]!.AsArray().Select(one => (string)one!).ToArray();
        Assert.Equal(clusters.Length, scripts.Length);
        var statements = new List<(EmbeddedCluster, string)>();
        foreach (var (cluster, script) in clusters.Zip(scripts))
        {
            var text = await File.ReadAllTextAsync(script, TestContext.Current.CancellationToken);
            statements.AddRange(Statement().Matches(text).Select(match => (cluster, match.Groups[1].Value)));
            var superuser = new TestDatabase(
                cluster,
                cluster == servers.Shared ? made.Shared.Name : "postgres",
                EmbeddedCluster.Superuser
            );
            // The cluster knows the passwords of roles that it has made itself.
            foreach (var role in (string[])[worker, administrator])
            {
                await cluster.CreateRoleAsync(role, password: Password);
                await superuser.ExecuteAsync($"DROP ROLE {role}");
            }
            await superuser.ExecuteAsync(text);
            foreach (var role in (string[])[worker, administrator])
                await superuser.ExecuteAsync($"ALTER ROLE {role} PASSWORD '{Password}'");
        }
        var tenancy = ScopePattern.Parse(await File.ReadAllTextAsync(settings, TestContext.Current.CancellationToken));
        var move = new TenantMove(new(servers.Shared, made.Shared.Name, worker), made.Slug, server, tenancy)
        {
            Administrator = administrator,
        };
        return new(move, folder, statements);
    }

    /// <summary>
    /// The database is a superuser's, and nobody may connect; its tables are an owner's, a type is a keeper's; a group and
    /// a login may read. Of all of them the other server knows nothing.
    /// </summary>
    static async Task CloseAsync(TenantMove made)
    {
        var (keeper, reader, login) = (Servers.NewName("keeper"), Servers.NewName("reader"), Servers.NewName("login"));
        await made.Shared.Cluster.CreateRoleAsync(keeper, "NOLOGIN");
        await made.Shared.Cluster.CreateRoleAsync(reader, "NOLOGIN");
        await made.Shared.Cluster.CreateRoleAsync(login);
        await made.Shared.ExecuteAsync(
            $"""
            CREATE TYPE mood AS ENUM ('good'); ALTER TABLE items ADD mood mood; ALTER TYPE mood OWNER TO {keeper};
            GRANT SELECT ON items TO {reader}, {login}; GRANT CREATE ON SCHEMA public TO {made.Shared.Owner}, {keeper};
            ALTER TABLE attachments ENABLE ROW LEVEL SECURITY; ALTER TABLE attachments FORCE ROW LEVEL SECURITY;
            CREATE POLICY everybody ON attachments USING (true);
            ALTER DATABASE {made.Shared.Name} OWNER TO {EmbeddedCluster.Superuser};
            REVOKE ALL ON DATABASE {made.Shared.Name} FROM PUBLIC;
            """,
            role: EmbeddedCluster.Superuser
        );
    }

    /// <summary>The program, as the roles of the scripts.</summary>
    public Task<(int Code, string Output, string Error)> MigratorAsync(params string[] words)
    {
        var variables = Connections(Move, Move.Shared.Owner);
        (variables["DB_ADMIN_USER"], variables["DB_ADMIN_PASSWORD"]) = (Move.Administrator, Password);
        return MigratorProgram.RunAsync([.. words, "--settings", SettingsFile], variables);
    }

    /// <summary>What <c>check</c> and the dry run say against a promotion.</summary>
    public async Task<IReadOnlyList<string>> FaultsAsync()
    {
        try
        {
            var token = TestContext.Current.CancellationToken;
            var check = await SettingsInspection.ReadAsync(Move.Settings, [], token);
            return [.. check.Faults, .. (await Move.PreflightAsync()).Faults];
        }
        catch (Exception e) when (ServerFailure.From(e, TestContext.Current.CancellationToken) is { } failure)
        {
            return [failure.Message];
        }
    }

    /// <summary>How many rows of a table a superuser sees in the shared database.</summary>
    public Task<long> CountAsync(string table) =>
        new TestDatabase(Move.Shared.Cluster, Move.Shared.Name, EmbeddedCluster.Superuser).ScalarAsync<long>(
            $"SELECT count(*) FROM {table}"
        );

    /// <summary>Takes back what a statement has given.</summary>
    /// <returns>What gives it again.</returns>
    public async Task<string[]> UndoAsync((EmbeddedCluster Server, string Text) statement)
    {
        var words = statement.Text.Split(' ');
        var role = words[2];
        var isOurs = role.Trim('"') == Move.Shared.Owner || role.Trim('"') == Move.Administrator;
        var (undo, again) = words[0] switch
        {
            "GRANT" => (statement.Text.Replace("GRANT", "REVOKE").Replace(" TO ", " FROM "), [statement.Text]),
            "ALTER" => ($"ALTER ROLE {role} NO{words[3]}", [statement.Text]),
            "CREATE" when isOurs => ($"ALTER ROLE {role} NOLOGIN", [$"ALTER ROLE {role} LOGIN"]),
            // With its memberships.
            "CREATE" => (
                $"DROP ROLE {role}",
                Statements
                    .Where(one => one.Server == statement.Server && one.Text.Contains(role, StringComparison.Ordinal))
                    .Select(one => one.Text)
                    .ToArray()
            ),
            _ => throw new ArgumentException(statement.Text),
        };
        await RunAsync(statement.Server, undo);
        return again;
    }

    /// <summary>As a superuser.</summary>
    public async Task RunAsync(EmbeddedCluster server, params string[] statements)
    {
        var superuser = new TestDatabase(
            server,
            server == Move.Shared.Cluster ? Move.Shared.Name : "postgres",
            EmbeddedCluster.Superuser
        );
        foreach (var one in statements)
            await superuser.ExecuteAsync(one);
    }

    public async ValueTask DisposeAsync()
    {
        await Move.DisposeAsync();
        Folder.Delete(recursive: true);
    }

    /// <summary>Where the servers are, for a role.</summary>
    public static Dictionary<string, string?> Connections(TenantMove move, string role) =>
        new()
        {
            ["MIGRATOR_SOURCE"] = move.Shared.ConnectionString(role),
            ["MIGRATOR_TARGET"] = move.Server.ConnectionString("postgres", role),
        };

    [GeneratedRegex(@"^((?:CREATE|ALTER|GRANT) .*);$", RegexOptions.Multiline)]
    private static partial Regex Statement();
}
