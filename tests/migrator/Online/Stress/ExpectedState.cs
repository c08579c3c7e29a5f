namespace Migrator.Tests.Online.Stress;

/// <summary>
/// All that one writer knows of its rows. A transaction works on a copy, which counts when the COMMIT is acknowledged.
/// </summary>
sealed class ExpectedState
{
    static readonly Dictionary<string, string> Above = new()
    {
        ["tasks"] = "projects",
        ["comments"] = "tasks",
        ["reactions"] = "comments",
    };

    readonly Dictionary<(string Table, string Key), HeldRow> rows;
    readonly Dictionary<(int Tenant, string What), int> history;
    readonly Dictionary<int, int> hot;

    public ExpectedState() => (rows, history, hot) = ([], [], []);

    ExpectedState(ExpectedState other) => (rows, history, hot) = (new(other.rows), new(other.history), new(other.hot));

    public ExpectedState Copy() => new(this);

    public IEnumerable<HeldRow> Of(string table) => rows.Values.Where(row => row.Table == table);

    public IEnumerable<HeldRow> Of(string table, int tenant) => Of(table).Where(row => TenantOf(row) == tenant);

    public HeldRow? Find(string table, string key) => rows.GetValueOrDefault((table, key));

    public IEnumerable<HeldRow> Children(HeldRow row) =>
        rows.Values.Where(child => child.Parent == row.Key && Above.GetValueOrDefault(child.Table) == row.Table);

    public int TenantOf(HeldRow row) => row.Tenant ?? TenantOf(rows[(Above[row.Table], row.Parent!)]);

    public void Put(HeldRow row) => rows[(row.Table, row.Key)] = row;

    /// <summary>Removes the row with all below it, as ON DELETE CASCADE does.</summary>
    public void Remove(HeldRow row)
    {
        foreach (var child in Children(row).ToArray())
            Remove(child);
        rows.Remove((row.Table, row.Key));
    }

    /// <summary>A row has got another key; its children follow by themselves.</summary>
    public void Forget(HeldRow row) => rows.Remove((row.Table, row.Key));

    public void Record(int tenant, string what) =>
        history[(tenant, what)] = history.GetValueOrDefault((tenant, what)) + 1;

    public void Heat(int tenant) => hot[tenant] = hot.GetValueOrDefault(tenant) + 1;

    /// <summary>How often the row that all writers of the tenant increment was incremented by this one.</summary>
    public int Hot(int tenant) => hot.GetValueOrDefault(tenant);

    public IEnumerable<string> Lines() =>
        rows
            .Values.Select(row => $"{row.Table} {row.Text}")
            .Concat(
                history.SelectMany(pair => Enumerable.Repeat($"history {pair.Key.Tenant} {pair.Key.What}", pair.Value))
            );
}
