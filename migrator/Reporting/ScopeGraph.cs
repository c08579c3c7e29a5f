using System.Text;
using Migrator.Model;
using Migrator.Scope;

namespace Migrator.Reporting;

/// <summary>How the tables hang together, as a Mermaid graph: each arrow leads to the row that tells whose a row is.</summary>
/// <remarks>https://mermaid.js.org/syntax/flowchart.html</remarks>
static class ScopeGraph
{
    public static string Of(TenantScope scope)
    {
        var number = scope.Tables.Select((table, n) => (table.Name, n)).ToDictionary(one => one.Name, one => one.n);
        var text = new StringBuilder("graph TD\n");
        foreach (var table in scope.Tables)
            text.Append(
                $"  t{number[table.Name]}[\"{Quoted(table.Name)}<br>{table.Scope.ToString().ToLowerInvariant()}\"]\n"
            );
        foreach (var table in scope.Tables)
        foreach (var claim in table.Claims)
        {
            var to = claim.Step is { } step ? number[step.To] : number[scope.Root.Name];
            if (table.Scope == TableScope.Root)
                continue;
            var label = string.Join(", ", claim.Step is { IsMany: true } many ? many.ToColumns : claim.Columns);
            var arrow = claim.Step is null or { IsDeclared: true } ? "-->" : "-.->";
            text.Append($"  t{number[table.Name]} {arrow}|\"{Escape(label)}\"| t{to}\n");
        }
        return text.ToString();
    }

    static string Quoted(TableName name) => Escape(name.ToString());

    static string Escape(string text) => text.Replace("&", "&amp;").Replace("\"", "&quot;").Replace("<", "&lt;");
}
