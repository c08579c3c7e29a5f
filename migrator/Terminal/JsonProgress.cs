using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;

namespace Migrator.Terminal;

/// <summary>One JSON object a line, with the fields that Cloud Logging gives a meaning to.</summary>
/// <remarks>https://cloud.google.com/logging/docs/structured-logging</remarks>
sealed class JsonProgress(TextWriter log, TimeProvider clock) : CountingProgress
{
    public override void PhaseStarted(string name, string title) =>
        Write(Entry("INFO", title) with { Event = "phase_started", Phase = name });

    public override void PhaseEnded(string name, string title, TimeSpan took, string? summary) =>
        Write(
            Entry("INFO", summary is null ? title : $"{title}: {summary}") with
            {
                Event = "phase_ended",
                Phase = name,
                Seconds = Math.Round(took.TotalSeconds, 3),
            }
        );

    public override void PhaseKept(string name, string title) =>
        Write(Entry("INFO", $"{title}: done by an earlier run") with { Event = "phase_kept", Phase = name });

    public override void Warn(string sentence) => Write(Entry("WARNING", sentence));

    public override void Info(string sentence) => Write(Entry("INFO", sentence));

    public override void TablesPlanned(IReadOnlyList<(TableName Table, long Rows, long Bytes)> tables) =>
        Write(
            Entry("INFO", $"{tables.Count} tables to copy") with
            {
                Event = "tables_planned",
                Rows = tables.Sum(table => table.Rows),
                Bytes = tables.Sum(table => table.Bytes),
            }
        );

    public override void Validated(IReadOnlyList<Check> checks)
    {
        foreach (var check in checks)
            Write(
                Entry(
                    check.Outcome == CheckOutcome.Failed ? "ERROR" : "INFO",
                    $"{check.Area}, {check.Name}: {check.Detail}"
                ) with
                {
                    Event = "check",
                    Area = check.Area,
                    Check = check.Name,
                    Outcome = check.Outcome.ToString().ToLowerInvariant(),
                }
            );
    }

    public override void Progressed(ProgressState now)
    {
        var left = now.Left;
        var text = now.Unit is { } unit ? ProgressMessages.Of(unit, now.Done, now.Total, left) : "at work";
        Write(
            Entry("INFO", $"{now.Phase}: {text}") with
            {
                Event = "progress",
                Phase = now.Phase,
                Unit = now.Unit,
                Done = now.Done,
                Total = now.Total,
                MinuteRate = now.MinuteRate,
                TenMinuteRate = now.TenMinuteRate,
                EtaFromSeconds = left?.From,
                EtaToSeconds = left?.To,
                WaitsFor = now.WaitsFor,
            }
        );
    }

    protected override void OnAdvance(TableName table, long bytes) { }

    protected override void OnPartDone(TableName table, long rows, long bytes) =>
        Write(
            Entry("INFO", $"{table}: {rows:N0} rows") with
            {
                Event = "table_copied",
                Table = table.ToString(),
                Rows = rows,
                Bytes = bytes,
            }
        );

    LogEntry Entry(string severity, string message) => new(severity, clock.GetUtcNow().ToString("O"), message);

    void Write(LogEntry entry)
    {
        lock (Gate)
            log.WriteLine(JsonText.OfLine(entry));
    }
}
