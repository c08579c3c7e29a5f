using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Routing;

/// <summary>Where a tenant's requests and connections go. The document that load balancers and applications read.</summary>
public sealed record RoutingDocument(
    [property: JsonPropertyName("tenant_slug")] string TenantSlug,
    [property: JsonPropertyName("isolation_mode")] string IsolationMode,
    [property: JsonPropertyName("database")] RoutingDatabase Database,
    [property: JsonPropertyName("endpoints")] RoutingEndpoints Endpoints
)
{
    /// <summary>As JSON is written everywhere here: nothing escaped that a person would want to read.</summary>
    public static JsonSerializerOptions Json { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static RoutingDocument For(Slug slug, string mode, Target database, string domain) =>
        new(
            slug.Text,
            mode,
            new(database.Database, database.Host, database.Port),
            new($"api-{slug}.{domain}", $"app-{slug}.{domain}")
        );

    public override string ToString() => JsonSerializer.Serialize(this, Json);
}

public sealed record RoutingDatabase(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("host")] string Host,
    [property: JsonPropertyName("port")] int Port
);

public sealed record RoutingEndpoints(
    [property: JsonPropertyName("api")] string Api,
    [property: JsonPropertyName("ui")] string Ui
);

/// <summary>The folder of routing documents, one file a promoted tenant.</summary>
public sealed class RoutingFolder(string directory)
{
    public string PathOf(Slug slug) => Path.Combine(directory, slug + ".json");

    /// <summary>Writes the document so that a reader sees the old one or the new one, never half of it.</summary>
    public async Task WriteAsync(Slug slug, RoutingDocument document, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        var temporary = Path.Combine(directory, $".{slug}.{Environment.ProcessId}.tmp");
        await File.WriteAllTextAsync(temporary, document + "\n", cancellationToken);
        File.Move(temporary, PathOf(slug), overwrite: true);
    }

    public void Remove(Slug slug) => File.Delete(PathOf(slug));

    public async Task<RoutingDocument?> ReadAsync(Slug slug, CancellationToken cancellationToken) =>
        File.Exists(PathOf(slug))
            ? JsonSerializer.Deserialize<RoutingDocument>(await File.ReadAllTextAsync(PathOf(slug), cancellationToken))
            : null;
}
