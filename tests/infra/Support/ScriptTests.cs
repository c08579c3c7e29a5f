using System.Text.Json.Nodes;

namespace Infra.Tests.Support;

/// <summary>What a workflow's script is run in: a folder of its own, and programs that stand in for Google's and GitHub's.</summary>
public abstract class ScriptTests : IDisposable
{
    /// <summary>Goes away with the test.</summary>
    protected string Folder { get; } = Directory.CreateTempSubdirectory("workflow-").FullName;

    /// <summary>The PATH in which the programs of <see cref="FakeAsync"/> are found first.</summary>
    protected (string Name, string Value) FakesFirst =>
        ("PATH", $"{Folder}:{Environment.GetEnvironmentVariable("PATH")}");

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>What the programs of <see cref="FakeAsync"/> noted in the file calls.</summary>
    protected Task<string[]> CallsAsync() =>
        File.ReadAllLinesAsync($"{Folder}/calls", TestContext.Current.CancellationToken);

    protected Task WriteAsync(string path, params string[] lines)
    {
        var file = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return File.WriteAllLinesAsync(file, lines, TestContext.Current.CancellationToken);
    }

    protected async Task<string> WriteAsync(string path, JsonObject json)
    {
        await WriteAsync(path, json.ToJsonString());
        return Path.Combine(Folder, path);
    }

    protected static Task<string> ReadAsync(string path) =>
        File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);

    protected Task FakeAsync(string program, string script) => Tool.FakeAsync(Folder, program, script);
}
