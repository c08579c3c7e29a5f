using Dapper;
using Npgsql;

namespace Migrator.Tests.Online.Stress;

/// <summary>
/// What a writer's statements share: its chance, its keys, the transaction under way and what it has been told so far.
/// </summary>
sealed class WriterSession
{
    /// <summary>For each table: key, tenant, parent, extra, and the whole row.</summary>
    static readonly Dictionary<string, string> Returned = new()
    {
        ["projects"] = "t.id::text, t.tenant_id::int, NULL::text, t.slug, t::text",
        ["tasks"] = "t.id::text, t.tenant_id::int, t.project_id::text, t.parent_id::text, t::text",
        ["comments"] = "t.id::text, NULL::int, t.task_id::text, NULL::text, t::text",
        ["reactions"] = "t.id::text, NULL::int, t.comment_id::text, NULL::text, t::text",
        ["counters"] = "t.n::text, t.tenant_id::int, NULL::text, NULL::text, t::text",
        ["events"] = "t.id::text, t.tenant_id::int, NULL::text, t.at::text, t::text",
        ["badges"] = "t.id::text, t.tenant_id::int, NULL::text, NULL::text, t::text",
        ["notes"] = "t.token, t.tenant_id::int, NULL::text, t.token, t::text",
    };

    static readonly string[] WithHistory = ["projects", "tasks", "counters"];

    readonly int[] tenants;

    // A key that was deleted is inserted again.
    readonly Guid[] keys;
    int written;

    public WriterSession(int number, int[] tenants, int seed)
    {
        (Number, this.tenants, Random) = (number, tenants, new(seed));
        keys = [.. Enumerable.Range(0, 12).Select(_ => NewKey())];
    }

    public int Number { get; }

    public Random Random { get; }

    /// <summary>Of the transaction under way.</summary>
    public NpgsqlConnection Connection { get; set; } = null!;

    /// <summary>What the writer's rows are if the transaction under way is committed.</summary>
    public ExpectedState Mine { get; set; } = new();

    /// <summary>Runs a statement and notes what it returned.</summary>
    /// <param name="expected">How many rows it reaches; null if that is not known.</param>
    public async Task RunAsync(string table, int? expected, string sql, object parameters)
    {
        var verb = sql[..6];
        var rows = await ReadAsync(table, $"{sql} RETURNING {Returned[table]}", parameters);
        if (expected is { } count)
            Require(count, rows.Count, sql);
        foreach (var row in rows)
        {
            if (WithHistory.Contains(table))
                Mine.Record(row.Tenant!.Value, $"{verb} {table} {row.Key}");
            if (verb != "DELETE")
                Mine.Put(row);
            else
            {
                Require(Mine.Find(table, row.Key)?.Text ?? "nothing", row.Text, $"what was deleted from {table}");
                Mine.Remove(row);
            }
        }
    }

    /// <summary>The rows of the table alias t for which the condition holds, as the database has them.</summary>
    public Task<List<HeldRow>> FindAsync(string table, string condition, object parameters) =>
        ReadAsync(table, $"SELECT {Returned[table]} FROM {table} t WHERE {condition}", parameters);

    async Task<List<HeldRow>> ReadAsync(string table, string sql, object parameters)
    {
        var rows = await Connection.QueryAsync<(string Key, int? Tenant, string? Parent, string? Extra, string Text)>(
            sql,
            parameters
        );
        // Rows alike have one name, and a number.
        string Key(string key, int n) => table == "notes" ? $"{key} {n}" : key;
        return
        [
            .. rows.Select(
                (row, n) => new HeldRow(table, Key(row.Key, n), row.Tenant, row.Parent, row.Extra, row.Text)
            ),
        ];
    }

    public HeldRow? Any(string table, int tenant) => Any(Mine.Of(table, tenant));

    public HeldRow? Any(IEnumerable<HeldRow> rows) => rows.ToArray() is { Length: > 0 } all ? Pick(all) : null;

    public T Pick<T>(params T[] values) => values[Random.Next(values.Length)];

    // Of two tenants one might take a key of which the other has left a copy behind in the shared database.
    public Guid KeyIn(string table, int tenant) =>
        tenants.Length == 1 ? Pick(keys)
        : Any(table, tenant) is { } row && Random.Next(4) > 0 ? Guid.Parse(row.Key)
        : NewKey();

    public Guid? FreeKey(string table) =>
        tenants.Length > 1
            ? NewKey()
            : keys.Where(key => Mine.Find(table, $"{key}") is null).Cast<Guid?>().FirstOrDefault();

    public int NewNumber() => ++written;

    public string NewText() => $"w{Number} {NewNumber()}";

    public Guid NewKey()
    {
        var bytes = new byte[16];
        Random.NextBytes(bytes);
        return new(bytes);
    }

    /// <summary>Stored out of line, or absent.</summary>
    public string? Large()
    {
        if (Random.Next(3) == 0)
            return null;
        var bytes = new byte[Random.Next(4_500, 7_000)];
        Random.NextBytes(bytes);
        return Convert.ToHexString(bytes);
    }

    public void Require<T>(T expected, T found, string what)
    {
        if (!Equals(expected, found))
            throw new InvalidOperationException($"In {Connection.Database}: {what}: {found} instead of {expected}.");
    }
}
