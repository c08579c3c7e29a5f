using Migrator.Model;

namespace Migrator.Routing;

/// <summary>The folder of routing documents, one file per promoted tenant.</summary>
public sealed class RoutingFolder(string directory)
{
    public string PathOf(Slug slug) => Path.Combine(directory, slug + ".json");

    /// <summary>Writes the document so that a reader sees the old document or the new one, never a part.</summary>
    public async Task WriteAsync(Slug slug, RoutingDocument document, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        var temporary = Path.Combine(directory, $".{slug}.{Environment.ProcessId}.tmp");
        await File.WriteAllTextAsync(temporary, document + "\n", cancellationToken);
        File.Move(temporary, PathOf(slug), overwrite: true);
    }

    public void Remove(Slug slug) => File.Delete(PathOf(slug));
}
