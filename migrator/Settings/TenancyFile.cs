using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Settings;

/// <summary>
/// What is wrong with a settings file, all at once, each with line and column: a value of another type would be a rule
/// without effect.
/// </summary>
ref struct TenancyFile
{
    static readonly Dictionary<string, Kind> Keys = new()
    {
        ["$schema"] = Kind.Text,
        ["tenants"] = Kind.Columns,
        ["tenant_column"] = Kind.Text,
        ["tenant_columns"] = Kind.List,
        ["tables"] = Kind.Rules,
        ["reference"] = Kind.List,
        ["ignored"] = Kind.List,
        ["derived"] = Kind.Map,
        ["application_role"] = Kind.Text,
        ["application_login"] = Kind.Text,
        ["tenant_setting"] = Kind.Text,
        ["domain"] = Kind.Text,
        ["routing_dir"] = Kind.Text,
        ["migration_version"] = Kind.Text,
        ["hooks"] = Kind.Hooks,
    };

    static readonly string[] Columns = ["table", "key", "slug", "isolation_mode", "settings", "subtree"];

    enum Kind
    {
        Text,
        List,
        Map,
        Columns,

        /// <summary>An object that <see cref="TableRules"/> reads.</summary>
        Rules,

        /// <summary>A list that <see cref="HookSettings"/> reads.</summary>
        Hooks,
    }

    readonly byte[] json;
    readonly List<string> faults = [];
    readonly Dictionary<string, string> places = [];
    SettingNode? rules;
    SettingNode? hooks;
    Utf8JsonReader reader;

    TenancyFile(byte[] json)
    {
        this.json = json;
        reader = new(json, new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
    }

    /// <returns>The rules of single tables, the hooks, and where each other text stands: tenants.slug, ignored.public.jobs.</returns>
    /// <exception cref="MigratorException">The file is no JSON, or has a key or a value that means nothing.</exception>
    public static (TableRules Rules, IReadOnlyList<Hook> Hooks, IReadOnlyDictionary<string, string> Places) Read(
        string name,
        byte[] json
    )
    {
        // What editors write before the first character.
        if (json.AsSpan().StartsWith(Encoding.UTF8.Preamble))
            json = json[Encoding.UTF8.Preamble.Length..];
        var file = new TenancyFile(json);
        try
        {
            file.Read();
        }
        catch (JsonException e)
        {
            file.faults.Add(UsageMessages.SettingsNoJson((e.LineNumber ?? 0) + 1, (e.BytePositionInLine ?? 0) + 1));
        }
        var rules = TableRules.Read(file.rules, file.faults);
        var hooks = HookSettings.Read(file.hooks, file.faults);
        return file.faults.Count == 0
            ? (rules, hooks, file.places)
            : throw UsageMessages.SettingsInvalid(name, file.faults);
    }

    /// <summary>The file without the rules of single tables and the hooks.</summary>
    public static byte[] WithoutRules(byte[] json)
    {
        var whole = JsonNode
            .Parse(
                json.AsSpan()[(json.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0)..],
                documentOptions: new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }
            )!
            .AsObject();
        whole.Remove("tables");
        whole.Remove("hooks");
        return JsonSerializer.SerializeToUtf8Bytes(whole);
    }

    /// <summary>Whether an environment variable may have that name: a key, and what is below it.</summary>
    public static bool TakesVariable(string key, IReadOnlyList<string> below) =>
        Keys.TryGetValue(key, out var kind)
        && kind switch
        {
            Kind.Text => below.Count == 0,
            Kind.Columns => below is [var column] && Columns.Contains(column),
            Kind.List => below is [var number] && int.TryParse(number, out _),
            Kind.Map => below.Count == 1,
            _ => false,
        };

    void Read()
    {
        reader.Read();
        ReadObject(
            "the file",
            (ref TenancyFile file, string key) =>
            {
                if (Keys.TryGetValue(key, out var kind))
                    file.ReadValue(key, kind);
                else
                    file.Unknown(key, Keys.Keys);
            }
        );
    }

    delegate void Field(ref TenancyFile file, string key);

    void ReadValue(string key, Kind kind)
    {
        switch (kind)
        {
            case Kind.Text:
                RequireText(key, allowsNull: true);
                break;
            case Kind.Map:
                ReadObject(key, (ref TenancyFile file, string table) => file.RequireText($"{key}.{table}"));
                break;
            case Kind.Columns:
                ReadObject(
                    key,
                    (ref TenancyFile file, string column) =>
                    {
                        if (Columns.Contains(column))
                            file.RequireText($"{key}.{column}");
                        else
                            file.Unknown($"{key}.{column}", Columns);
                    }
                );
                break;
            case Kind.Rules when reader.TokenType == JsonTokenType.StartObject:
                rules = ReadNode();
                break;
            case Kind.Rules:
                Expect(key, "an object in braces");
                break;
            case Kind.Hooks when reader.TokenType == JsonTokenType.StartArray:
                hooks = ReadNode();
                break;
            case Kind.Hooks:
                Expect(key, "a list in brackets");
                break;
            default:
                ReadList(key);
                break;
        }
    }

    void ReadObject(string name, Field field)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            Expect(name, "an object in braces");
            return;
        }
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var key = reader.GetString()!;
            if (!seen.Add(key))
                faults.Add(UsageMessages.SettingTwice(Place(), key));
            reader.Read();
            field(ref this, key);
        }
    }

    SettingNode ReadNode()
    {
        var node = new SettingNode(Place());
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var fields = new List<(string, SettingNode)>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var key = reader.GetString()!;
                    reader.Read();
                    fields.Add((key, ReadNode()));
                }
                return node with { Fields = fields };
            case JsonTokenType.StartArray:
                var items = new List<SettingNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Add(ReadNode());
                return node with { Items = items };
            default:
                return reader.TokenType == JsonTokenType.String ? node with { Text = reader.GetString() } : node;
        }
    }

    void ReadList(string name)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            Expect(name, "a list of texts in brackets");
            return;
        }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            RequireText(name + "[]", name);
    }

    void RequireText(string name, string? list = null, bool allowsNull = false)
    {
        if (reader.TokenType == JsonTokenType.String)
            places.TryAdd(list is null ? name : $"{list}.{reader.GetString()}", Place());
        else if (!(allowsNull && reader.TokenType == JsonTokenType.Null))
            Expect(name, "a text in quotes");
    }

    void Expect(string name, string form)
    {
        faults.Add(UsageMessages.SettingOfOtherType(Place(), name, form));
        reader.Skip();
    }

    void Unknown(string key, IEnumerable<string> known)
    {
        faults.Add(UsageMessages.SettingUnknown(Place(), key, known));
        reader.Skip();
    }

    // Line and column as editors count them.
    readonly string Place()
    {
        var before = json.AsSpan(0, (int)reader.TokenStartIndex);
        var column = Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1;
        return $"line {before.Count((byte)'\n') + 1}, column {column}";
    }
}
