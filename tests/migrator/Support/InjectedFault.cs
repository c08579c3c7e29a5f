using System.Text.Json.Nodes;
using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Tests.Support;

/// <summary>Slots, publications and guards as a promotion makes them, put where a test wants them.</summary>
public static class InjectedFault
{
    public static Tenant Tenant(this TenantMove move) =>
        new(
            Slug.TryParse(move.Slug, out var slug) ? slug : throw new InvalidOperationException(),
            $"{TenantMove.Acme}",
            Model.Tenant.SharedMode,
            []
        );

    public static string Forward(this TenantMove move) => StreamNames.Forward(move.Shared.Name, move.Tenant());

    public static string Reverse(this TenantMove move) => StreamNames.Reverse(move.Shared.Name, move.Tenant());

    /// <summary>A slot and a publication of that name.</summary>
    public static async Task StreamAsync(TestDatabase database, string name)
    {
        await database.ExecuteAsync($"CREATE PUBLICATION {Sql.Identifier(name)}");
        await database.ExecuteAsync($"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')");
    }

    /// <summary>A guard in the shared database, as <see cref="WriteGuard"/> makes it.</summary>
    public static async Task GuardAsync(TenantMove move, string state)
    {
        await using var databases = Databases.For(move.Settings, move.Tenant().Slug);
        await using var shared = await databases.Shared.OpenConnectionAsync();
        var scope = await TenantScope.ReadAsync(shared, move.Tenancy, default);
        await new WriteGuard(databases.Shared, scope, move.Tenant(), TimeProvider.System).InstallAsync(state, default);
    }

    public static Task<IReadOnlyList<string>> SlotsAsync(TestDatabase database) =>
        database.QueryAsync<string>(
            "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() ORDER BY 1"
        );

    /// <summary>Runs a verb of the program against the databases of a move.</summary>
    public static Task<(int ExitCode, string Output, string Error)> SayAsync(TenantMove move, params string[] words)
    {
        var source = new NpgsqlConnectionStringBuilder(move.Shared.ConnectionString());
        var target = new NpgsqlConnectionStringBuilder(move.Server.ConnectionString("postgres", move.Shared.Owner));
        return MigratorProgram.RunAsync(
            [.. words, "--routing-dir", move.Settings.RoutingDirectory],
            new Dictionary<string, string?>
            {
                ["MIGRATOR_SOURCE"] = source.ConnectionString,
                ["MIGRATOR_TARGET"] = target.ConnectionString,
            }
        );
    }

    /// <summary>The JSON result of a verb that ends with the expected code.</summary>
    public static async Task<JsonObject> RunAsync(TenantMove move, int expected, params string[] words)
    {
        var (code, output, error) = await SayAsync(move, [.. words, "--json"]);
        Assert.True(
            code == expected,
            $"'{string.Join(' ', words)}' ended with {code} instead of {expected}:\n{error}\n{output}"
        );
        return JsonNode.Parse(output)!.AsObject();
    }
}
