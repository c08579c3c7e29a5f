using System.Text.Json.Nodes;
using Migrator.Settings;
using Migrator.Tests.Support;

namespace Migrator.Tests.Hooks;

/// <summary>A tenant, and programs that are told what happens to it, each of which writes down what it is told.</summary>
sealed class HookStage : IAsyncDisposable
{
    const string Notes = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 100) n;
        """;

    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("migrator-hooks-");

    HookStage(TenantMove move) => Move = move;

    public TenantMove Move { get; private set; }

    public static async Task<HookStage> CreateAsync(Servers servers, Func<HookStage, Hook[]> hooks)
    {
        var stage = new HookStage(await TenantMove.CreateAsync(servers, Notes));
        stage.Move = new(stage.Move.Shared, stage.Move.Slug, tenancy: new() { Hooks = hooks(stage) });
        return stage;
    }

    /// <summary>A program of that name, which does this after it has written down what it was told.</summary>
    public string Program(string name, string then = "")
    {
        var file = Path.Combine(folder.FullName, name);
        File.WriteAllText(
            file,
            $"""
            #!/bin/sh
            (cat; echo) >> '{file}.told'
            env >> '{file}.env'
            {then}
            """
        );
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return file;
    }

    /// <summary>A file of that name, which programs may look for.</summary>
    public string At(string name) => Path.Combine(folder.FullName, name);

    /// <summary>What a program was told so far.</summary>
    public IReadOnlyList<JsonObject> Told(string name) =>
        File.Exists(At(name + ".told"))
            ?
            [
                .. File.ReadAllLines(At(name + ".told"))
                    .Where(line => line.Length > 0)
                    .Select(line => JsonNode.Parse(line)!.AsObject()),
            ]
            : [];

    public IEnumerable<string> Events(string name) => Told(name).Select(one => (string)one["event"]!);

    public string Environment(string name) => File.ReadAllText(At(name + ".env"));

    /// <summary>tenancy.json with these hooks, for the program itself.</summary>
    public string Settings(string hooks)
    {
        var file = At("tenancy.json");
        File.WriteAllText(file, $$"""{ "hooks": [{{hooks}}] }""");
        return file;
    }

    /// <summary>A verb of the program with these settings.</summary>
    public Task<(int ExitCode, string Output, string Error)> SayAsync(string settings, params string[] words) =>
        InjectedFault.SayAsync(Move, [.. words, $"--tenant-slug={Move.Slug}", "--settings", settings]);

    public async ValueTask DisposeAsync()
    {
        await Move.DisposeAsync();
        folder.Delete(recursive: true);
    }
}
