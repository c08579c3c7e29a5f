using System.Text.Json.Serialization;

namespace Migrator.Model;

/// <summary>Where the tenant goes.</summary>
public sealed record Target(
    [property: JsonPropertyName("host")] string Host,
    [property: JsonPropertyName("port")] int Port,
    [property: JsonPropertyName("database")] string Database
);
