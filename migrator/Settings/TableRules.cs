using Microsoft.Extensions.Configuration;
using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Settings;

/// <summary>The section <c>tables</c> of tenancy.json.</summary>
sealed class TableRules
{
    readonly List<string> faults = [];
    readonly HashSet<TableName> seen = [];

    public Dictionary<TableName, TableRule> Rules { get; } = [];

    public List<TableName> Reference { get; } = [];

    public List<TableName> Ignored { get; } = [];

    /// <exception cref="MigratorException">One sentence for each rule that cannot be read.</exception>
    public static TableRules Read(IConfigurationSection section)
    {
        var read = new TableRules();
        foreach (var child in section.GetChildren())
            read.Add(TableName.Parse(child.Key), child);
        return read.faults.Count == 0 ? read : throw UsageMessages.RulesUnreadable(read.faults);
    }

    void Add(TableName table, IConfigurationSection rule)
    {
        if (!seen.Add(table))
            faults.Add(UsageMessages.RuleTwice(table));
        var keys = rule.GetChildren().Select(child => child.Key).Order(StringComparer.Ordinal).ToArray();
        switch ((rule.Value, string.Join(" ", keys)))
        {
            case ("reference", ""):
                Reference.Add(table);
                break;
            case ("ignored", ""):
                Ignored.Add(table);
                break;
            case (null, "tenant") when rule["tenant"] is { Length: > 0 } column:
                Rules[table] = new TenantRule(column);
                break;
            case (null, "belongs_to" or "belongs_to by") when rule["belongs_to"] is { Length: > 0 } parent:
                AddBelongsTo(table, parent, rule.GetSection("by"));
                break;
            default:
                faults.Add(UsageMessages.RuleUnknown(table, keys));
                break;
        }
    }

    void AddBelongsTo(TableName table, string parent, IConfigurationSection by)
    {
        var columns = by.GetChildren().ToDictionary(child => child.Key, child => child.Value ?? "");
        if (by.Value is not null || columns.Values.Any(value => value.Length == 0))
            faults.Add(UsageMessages.RuleColumnsUnreadable(table));
        else
            Rules[table] = new BelongsToRule(TableName.Parse(parent), columns);
    }
}
