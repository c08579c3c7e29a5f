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

    /// <summary>
    /// Why no document could be written there; null where one could. A folder that is not there yet would be created in
    /// the nearest one above, which is tried instead. Nothing is left behind.
    /// </summary>
    public string? WhyNotWritable()
    {
        try
        {
            var existing = Path.GetFullPath(directory);
            while (
                !Directory.Exists(existing) && !File.Exists(existing) && Path.GetDirectoryName(existing) is { } above
            )
                existing = above;
            var probe = Path.Combine(existing, $".migrator.{Environment.ProcessId}.tmp");
            File.WriteAllText(probe, "");
            File.Delete(probe);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    public void Remove(Slug slug) => File.Delete(PathOf(slug));
}
