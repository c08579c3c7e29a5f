using Migrator.Model;

namespace Migrator.Scope;

/// <summary>How tables hang together by their foreign keys and rules.</summary>
static class ReferenceGraph
{
    /// <summary>Strongly connected components of the graph, parents first (Tarjan's algorithm).</summary>
    public static IReadOnlyList<IReadOnlyList<ScopedTable>> Components(
        IEnumerable<ScopedTable> nodes,
        IEnumerable<(TableName From, TableName To)> edges
    )
    {
        var tables = nodes.ToDictionary(table => table.Name);
        var parents = edges
            .Where(edge => tables.ContainsKey(edge.From) && tables.ContainsKey(edge.To))
            .ToLookup(edge => edge.From, edge => edge.To);
        var index = new Dictionary<TableName, int>();
        var low = new Dictionary<TableName, int>();
        var stack = new Stack<TableName>();
        var components = new List<IReadOnlyList<ScopedTable>>();

        void Visit(TableName name)
        {
            index[name] = low[name] = index.Count;
            stack.Push(name);
            foreach (var parent in parents[name])
                if (!index.TryGetValue(parent, out var seen))
                {
                    Visit(parent);
                    low[name] = Math.Min(low[name], low[parent]);
                }
                else if (stack.Contains(parent))
                    low[name] = Math.Min(low[name], seen);
            if (low[name] != index[name])
                return;
            var component = new List<ScopedTable>();
            TableName member;
            do component.Add(tables[member = stack.Pop()]);
            while (member != name);
            components.Add(component);
        }

        foreach (var name in tables.Keys.Order())
            if (!index.ContainsKey(name))
                Visit(name);
        return components;
    }
}
