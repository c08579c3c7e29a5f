using Migrator.Model;

namespace Migrator.Progress;

/// <summary>Hears how far the copy is.</summary>
public interface ICopyProgress
{
    void Advance(TableName table, long bytes);

    void PartDone(TableName table, long rows);
}
