using Migrator.Messages;
using Migrator.Reporting;

namespace Migrator.Commands;

/// <summary>How far the run at work is, as lines of <c>status</c>.</summary>
static class ProgressRows
{
    const int MostTables = 5;

    /// <summary>The phase as a whole; null for one that counts nothing.</summary>
    public static string? Short(ProgressSection? progress) =>
        progress?.Unit is { } unit ? ProgressMessages.Of(unit, progress.Done, progress.Total, Left(progress)) : null;

    /// <summary>The phase, the tables at work, and what it waits for.</summary>
    public static IEnumerable<(string Name, string Text)> Of(ProgressSection progress)
    {
        if (Short(progress) is { } whole)
            yield return ("progress", whole);
        foreach (
            var table in progress
                .Tables.Where(table => table.Done > 0 && table.Done < table.Total)
                .OrderByDescending(table => table.Total - table.Done)
                .Take(MostTables)
        )
            yield return ("", $"{table.Table}: {ProgressMessages.Of(progress.Unit!, table.Done, table.Total, null)}");
        if (progress.WaitsFor is { } why)
            yield return ("waits", why);
    }

    static (double, double)? Left(ProgressSection progress) =>
        progress is { EtaFromSeconds: { } from, EtaToSeconds: { } to } ? (from, to) : null;
}
