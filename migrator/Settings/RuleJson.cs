using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Migrator.Model;

namespace Migrator.Settings;

/// <summary>Rules as tenancy.json has them.</summary>
public static partial class RuleJson
{
    static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    static readonly JsonDocumentOptions AsWritten = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>The same, with whatever else an earlier file says: it has been read, and what it says of tables is known.</summary>
    /// <param name="earlier">Null if there is none.</param>
    public static string File(Tenancy tenancy, string? earlier)
    {
        if (earlier is null)
            return File(tenancy);
        var file = JsonNode.Parse(System.IO.File.ReadAllText(earlier), documentOptions: AsWritten)!.AsObject();
        foreach (var key in (string[])["tenant_column", "reference", "ignored", "derived"])
            file.Remove(key);
        foreach (var (key, value) in JsonNode.Parse(File(tenancy))!.AsObject())
            file[key] = value!.DeepClone();
        return file.ToJsonString(Options);
    }

    /// <summary>A whole file with the tenants' table, the tenant columns and the rules of single tables.</summary>
    public static string File(Tenancy tenancy)
    {
        var tables = new JsonObject();
        foreach (var (name, rule) in tenancy.Rules.OrderBy(one => one.Key))
            tables.Add(name.ToString(), Of(rule));
        foreach (var name in tenancy.Reference.Order())
            tables.Add(name.ToString(), "reference");
        foreach (var name in tenancy.Ignored.Order())
            tables.Add(name.ToString(), "ignored");
        var file = new JsonObject
        {
            ["tenants"] = new JsonObject
            {
                ["table"] = tenancy.Table.ToString(),
                ["key"] = tenancy.KeyColumn,
                ["slug"] = tenancy.SlugColumn,
                ["isolation_mode"] = tenancy.ModeColumn,
                ["settings"] = tenancy.SettingsColumn,
            },
            ["tenant_columns"] = List(tenancy.TenantColumns),
            ["tables"] = tables,
        };
        if (tenancy.SubtreeColumn is { } subtree)
            file["tenants"]!["subtree"] = subtree;
        if (tenancy.Derived.Count > 0)
            file["derived"] = Map(tenancy.Derived.ToDictionary(one => one.Key.ToString(), one => one.Value));
        return file.ToJsonString(Options);
    }

    /// <summary>One rule as a line under <c>tables</c>.</summary>
    public static string Line(TableName table, TableRule rule) =>
        $"\"{table}\": {Breaks().Replace(Of(rule).ToJsonString(Options), found => found.Groups["open"].Success ? "["
            : found.Groups["close"].Success ? "]"
            : " ")}";

    /// <summary>One rule.</summary>
    public static JsonNode Of(TableRule rule) =>
        rule switch
        {
            TenantRule { NullIsGlobal: true } tenant => new JsonObject
            {
                ["tenant"] = tenant.Column,
                ["null"] = "global",
            },
            TenantRule tenant => new JsonObject { ["tenant"] = tenant.Column },
            BelongsToRule { By.Count: 0 } belongs => new JsonObject { ["belongs_to"] = belongs.Parent.ToString() },
            BelongsToRule belongs => new JsonObject
            {
                ["belongs_to"] = belongs.Parent.ToString(),
                ["by"] = Map(belongs.By),
            },
            AnyOfRule any => new JsonObject { ["any_of"] = new JsonArray([.. any.Rules.Select(Of)]) },
            WhereRule where => new JsonObject { ["where"] = where.Condition },
            NamedByRule named => new JsonObject { ["named_by"] = List(Names(named.Names)) },
            SharedThroughRule { Blank.Count: 0 } shared => new JsonObject
            {
                ["shared_through"] = List(Names(shared.Names)),
            },
            SharedThroughRule shared => new JsonObject
            {
                ["shared_through"] = List(Names(shared.Names)),
                ["blank"] = List(shared.Blank),
            },
            ByTypeRule type => new JsonObject
            {
                ["by_type"] = new JsonObject
                {
                    ["type"] = type.Type,
                    ["id"] = type.Id,
                    ["to"] = Map(type.To.ToDictionary(one => one.Key, one => one.Value.ToString())),
                },
            },
            _ => throw new ArgumentException(rule.ToString()),
        };

    static IEnumerable<string> Names(IEnumerable<NamingColumn> names) =>
        names.Select(one => $"{one.Table}.{one.Column}");

    static JsonArray List(IEnumerable<string> texts) => [.. texts.Select(text => (JsonNode)text)];

    static JsonObject Map(IReadOnlyDictionary<string, string> texts) =>
        new(texts.Select(one => KeyValuePair.Create(one.Key, (JsonNode?)one.Value)));

    // No text in JSON has a line break.
    [GeneratedRegex(@"(?<open>\[)\r?\n\s*|\r?\n\s*(?<close>\])|\r?\n\s*")]
    private static partial Regex Breaks();
}
