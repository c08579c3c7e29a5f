using System.Text.Json.Serialization;

namespace Migrator.Model;

/// <summary>The isolated database's address.</summary>
public sealed record Target(
    [property: JsonPropertyName("host")] string Host,
    [property: JsonPropertyName("port")] int Port,
    [property: JsonPropertyName("database")] string Database
);
