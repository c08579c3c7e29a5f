using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Migrator.Model;

/// <summary>
/// The route of a tenant's requests and connections; load balancers and applications read this document.
/// </summary>
public sealed record RoutingDocument(
    [property: JsonPropertyName("tenant_slug")] string TenantSlug,
    [property: JsonPropertyName("isolation_mode")] string IsolationMode,
    [property: JsonPropertyName("database")] RoutingDatabase Database,
    [property: JsonPropertyName("endpoints")] RoutingEndpoints Endpoints
)
{
    /// <summary>The options of all JSON output: characters that a person would want to read are not escaped.</summary>
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
