namespace Migrator.Tests.Online.Stress;

/// <summary>What a writer does to the rows of one table; each change is drawn by chance.</summary>
abstract class TableWrites(WriterSession session, string table)
{
    /// <summary>So many rows of a kind a writer has at most, or a few times as many of what hangs below.</summary>
    protected const int Enough = 25;

    protected WriterSession Session { get; } = session;

    protected Random Random => Session.Random;

    protected ExpectedState Mine => Session.Mine;

    /// <summary>Inserts, changes or deletes something of the tenant; nothing if there is nothing to change.</summary>
    public abstract Task ChangeAsync(int tenant);

    protected HeldRow? Any(string of, int tenant) => Session.Any(of, tenant);

    protected HeldRow? Any(IEnumerable<HeldRow> rows) => Session.Any(rows);

    protected string NewText() => Session.NewText();

    /// <summary>A statement that reaches exactly one row.</summary>
    protected Task OneAsync(string sql, object parameters) => RowsAsync(1, sql, parameters);

    /// <summary>A statement that reaches so many rows.</summary>
    protected Task RowsAsync(int expected, string sql, object parameters) =>
        Session.RunAsync(table, expected, sql, parameters);
}
