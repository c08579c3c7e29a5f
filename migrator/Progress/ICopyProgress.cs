using Migrator.Model;

namespace Migrator.Progress;

/// <summary>Receives the progress of the copy.</summary>
public interface ICopyProgress
{
    void Advance(TableName table, long bytes);

    void PartDone(TableName table, long rows);
}
