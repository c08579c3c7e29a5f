using System.Text.Json;
using System.Text.Json.Serialization;

namespace Migrator.Terminal;

/// <summary>A time in UTC with milliseconds, as in 2026-01-31T23:59:59.000Z.</summary>
sealed class TimeConverter : JsonConverter<DateTime>
{
    public static string Show(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ");

    public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTime();

    public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Show(value));
}
