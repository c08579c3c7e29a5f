using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Settings;

/// <summary>The section <c>tables</c> of tenancy.json.</summary>
sealed class TableRules
{
    readonly List<string> faults;

    TableRules(List<string> faults) => this.faults = faults;

    public Dictionary<TableName, TableRule> Rules { get; } = [];

    public List<TableName> Reference { get; } = [];

    public List<TableName> Ignored { get; } = [];

    /// <summary>Where each rule stands in the file.</summary>
    public Dictionary<TableName, string> Places { get; } = [];

    /// <param name="section">Null where the file has none.</param>
    /// <param name="faults">Takes one sentence for each rule that cannot be read.</param>
    public static TableRules Read(SettingNode? section, List<string> faults)
    {
        var read = new TableRules(faults);
        foreach (var (key, rule) in section?.Fields ?? [])
            read.Add(TableName.Parse(key), rule);
        return read;
    }

    void Add(TableName table, SettingNode rule)
    {
        if (!Places.TryAdd(table, rule.Place))
            faults.Add(UsageMessages.RuleTwice(rule.Place, table));
        else if (rule.Text == "reference")
            Reference.Add(table);
        else if (rule.Text == "ignored")
            Ignored.Add(table);
        else if (Parse(table, rule) is { } parsed)
            Rules.Add(table, parsed);
    }

    TableRule? Parse(TableName table, SettingNode rule, bool nested = false)
    {
        switch (rule.Keys)
        {
            case "tenant" when rule["tenant"]!.Text is { Length: > 0 } column:
                return new TenantRule(column);
            case "null tenant"
                when !nested && rule["null"]!.Text == "global" && rule["tenant"]!.Text is { Length: > 0 } column:
                return new TenantRule(column, NullIsGlobal: true);
            case "belongs_to" or "belongs_to by" when rule["belongs_to"]!.Text is { Length: > 0 } parent:
                return BelongsTo(table, parent, rule["by"]);
            case "any_of" when rule["any_of"]!.Items is { Count: > 1 } items:
                var rules = items.Select(item => Parse(table, item, nested: true)).ToArray();
                return rules.Contains(null) ? null : new AnyOfRule(rules!);
            case "by_type" when rule["by_type"] is { Keys: "id to type" } parts:
                return ByType(table, parts);
            case "where" when rule["where"]!.Text is { Length: > 0 } condition:
                return new WhereRule(condition);
            case "named_by" when !nested && NamesOf(rule["named_by"]!) is { } names:
                return new NamedByRule(names);
            case "shared_through"
            or "blank shared_through"
                when !nested && NamesOf(rule["shared_through"]!) is { } names && TextsOf(rule["blank"]) is { } blank:
                return new SharedThroughRule(names, blank);
            default:
                faults.Add(UsageMessages.RuleUnknown(rule.Place, table, rule.Keys));
                return null;
        }
    }

    BelongsToRule? BelongsTo(TableName table, string parent, SettingNode? by)
    {
        if (by is null)
            return new(TableName.Parse(parent), new Dictionary<string, string>());
        if (Texts(by) is { Count: > 0 } columns)
            return new(TableName.Parse(parent), columns);
        faults.Add(UsageMessages.RuleColumnsUnreadable(by.Place, table));
        return null;
    }

    ByTypeRule? ByType(TableName table, SettingNode parts)
    {
        if (
            parts["type"]!.Text is { Length: > 0 } type
            && parts["id"]!.Text is { Length: > 0 } id
            && Texts(parts["to"]!) is { Count: > 0 } to
        )
            return new(type, id, to.ToDictionary(one => one.Key, one => TableName.Parse(one.Value)));
        faults.Add(UsageMessages.RuleTypesUnreadable(parts.Place, table));
        return null;
    }

    // Each as schema.table.column.
    static NamingColumn[]? NamesOf(SettingNode node) =>
        TextsOf(node) is { Count: > 0 } texts && texts.All(text => text.Contains('.'))
            ?
            [
                .. texts.Select(text => new NamingColumn(
                    TableName.Parse(text[..text.LastIndexOf('.')]),
                    text[(text.LastIndexOf('.') + 1)..]
                )),
            ]
            : null;

    static IReadOnlyList<string>? TextsOf(SettingNode? list) =>
        list is null ? []
        : list.Items is { } items && items.All(item => item.Text is { Length: > 0 })
            ? [.. items.Select(item => item.Text!)]
        : null;

    // Null where a value is no text, or a key is there twice.
    static Dictionary<string, string>? Texts(SettingNode node)
    {
        var texts = new Dictionary<string, string>();
        foreach (var (key, value) in node.Fields ?? [])
            if (value.Text is not { Length: > 0 } text || !texts.TryAdd(key, text))
                return null;
        return texts;
    }
}
