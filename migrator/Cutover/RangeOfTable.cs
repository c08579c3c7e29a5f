using Migrator.Scope;
using Migrator.Verification;

namespace Migrator.Cutover;

/// <summary>One range of a table's keys, and what a verification has come to with it.</summary>
/// <param name="id">Its number where the isolated database keeps the result; null where the result is not kept.</param>
sealed class RangeOfTable(ScopedTable table, KeyRange keys, string form, long? id)
{
    public ScopedTable Table => table;

    public KeyRange Keys => keys;

    /// <inheritdoc cref="TableForm"/>
    public string Form => form;

    public long? Id => id;

    /// <summary>The sides as they were equal; null as long as they were not compared.</summary>
    public TableComparison? Result { get; private set; }

    /// <summary>Results have numbers in the order in which they came.</summary>
    public int Turn { get; private set; }

    /// <summary>The sides as they differed.</summary>
    public TableComparison? Different { get; set; }

    /// <summary>The limit came in the middle of the comparison.</summary>
    public bool WasTooLong { get; set; }

    /// <summary>The range cannot be divided: no limit holds for it.</summary>
    public bool MayTakeLong { get; set; }

    public void Equal(TableComparison result, int turn) => (Result, Turn) = (result, turn);
}
