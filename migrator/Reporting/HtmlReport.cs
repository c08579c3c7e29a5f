using System.Reflection;
using System.Xml.Linq;
using Migrator.Model;

namespace Migrator.Reporting;

/// <summary>What a promotion, a rehearsal, a rollback or a finalization did, as one HTML file for the ticket.</summary>
/// <param name="By">Who ran the command, and where.</param>
/// <param name="At">When the report was written.</param>
public sealed record HtmlReport(
    string Verb,
    StatusDocument Status,
    ReportSection Report,
    IReadOnlyDictionary<string, double>? PauseParts,
    string By,
    DateTimeOffset At
)
{
    static readonly string Version =
        typeof(HtmlReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "unknown";

    PromotionSection Promotion => Status.Promotion!;

    bool IsRehearsed => Status.Rehearsal is not null;

    /// <summary>The file's text.</summary>
    public override string ToString() =>
        HtmlPage.Of(
            $"{Verb} of {Status.TenantSlug}",
            Facts(),
            Steps(),
            Phases(),
            Pause(),
            Rehearsed(),
            Tables(),
            Validation(),
            Hooks()
        );

    XElement Facts()
    {
        var database = Status.Routing.Database;
        var rows = new List<(string, string)>
        {
            ("tenant", $"{Status.TenantSlug} ({Status.TenantId})"),
            ("is now in", $"{database.Name} on {database.Host}:{database.Port}"),
            ("promotion", $"{Promotion.State}, mode {Promotion.Mode}, to {Target(Promotion.Target)}"),
            ("began", $"{Promotion.StartedAt:yyyy-MM-dd HH:mm:ss} UTC"),
        };
        if (Promotion.EndedAt is { } ended)
            rows.Add(("ended", $"{ended:yyyy-MM-dd HH:mm:ss} UTC"));
        rows.Add(("copied", Copied()));
        if (Promotion.PauseMs is { } pause)
            rows.Add(("writes paused for", $"{pause:N0} ms at the cutover"));
        if (Promotion.Error is { } error)
            rows.Add(("last failure", error));
        rows.Add(("run by", By));
        rows.Add(("report of", $"{At.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, migrator {Version}"));
        return HtmlPage.Table(["", ""], rows.Select(row => (IReadOnlyList<object>)[row.Item1, row.Item2]));
    }

    string Copied()
    {
        var (rows, bytes) = (Status.Rehearsal?.Rows ?? Promotion.Rows, Status.Rehearsal?.Bytes ?? Promotion.Bytes ?? 0);
        var seconds = Timed.FirstOrDefault(phase => phase.Name == PhaseName.CopyData).Seconds;
        var rate = seconds > 0 ? $", {ByteSize.Show((long)(bytes / seconds))} a second" : "";
        return $"{rows:N0} rows, {ByteSize.Show(bytes)}{rate}";
    }

    // Warnings, and the commands that make sense now: among them the way back.
    XElement? Steps() =>
        Status.Warnings.Count + Status.NextSteps.Count == 0
            ? null
            : HtmlPage.Section(
                "Next",
                Status.Warnings.Select(warning => new XElement("p", new XAttribute("class", "warning"), warning)),
                Status.NextSteps.Select(step => new XElement("p", new XElement("code", step)))
            );

    IReadOnlyList<(string Name, double Seconds)> Timed =>
        Status.Rehearsal is { } rehearsal
            ? [.. rehearsal.Phases.Select(phase => (phase.Name, phase.Seconds))]
            :
            [
                .. Promotion
                    .Phases.Where(phase => phase.Seconds is not null)
                    .Select(phase => (phase.Name, phase.Seconds!.Value)),
            ];

    // One after the other; what was between them, as a hold or a week, is left out.
    XElement Phases()
    {
        var (whole, before) = (Math.Max(Timed.Sum(phase => phase.Seconds), 0.001), 0.0);
        var rows = new List<IReadOnlyList<object>>();
        foreach (var (name, seconds) in Timed)
        {
            rows.Add([name, seconds, HtmlPage.Bar(before / whole, seconds / whole)]);
            before += seconds;
        }
        return HtmlPage.Section("Phases", HtmlPage.Table(["phase", "seconds", ""], rows));
    }

    XElement? Pause() =>
        PauseParts is { Count: > 0 } parts && !IsRehearsed
            ? HtmlPage.Section(
                "The pause",
                new XElement("p", "Parts may have run side by side."),
                Bars("part", Cutover.PauseParts.InOrder(parts).Select(part => (part.Key, part.Value)))
            )
            : null;

    XElement? Rehearsed() =>
        (Status.Rehearsal ?? Report.Rehearsal) is { } rehearsal
            ? HtmlPage.Section(
                IsRehearsed ? "The rehearsed pauses" : $"The pauses that were rehearsed on {rehearsal.At:yyyy-MM-dd}",
                Bars("pause", rehearsal.Pauses.Select((pause, i) => ($"{i + 1}", pause)))
            )
            : null;

    static XElement Bars(string what, IEnumerable<(string Name, double Ms)> all)
    {
        var list = all.ToArray();
        var longest = Math.Max(list.Max(one => one.Ms), 0.001);
        return HtmlPage.Table(
            [what, "ms", ""],
            list.Select(one => (IReadOnlyList<object>)[one.Name, one.Ms, HtmlPage.Bar(0, one.Ms / longest)])
        );
    }

    XElement? Tables() =>
        Report.Tables.Count == 0 || IsRehearsed
            ? null
            : HtmlPage.Section(
                "Tables",
                HtmlPage.Table(
                    ["table", "rows", "digest"],
                    Report.Tables.Select(table => (IReadOnlyList<object>)[table.Table, table.Rows, table.Digest])
                )
            );

    XElement? Validation() =>
        Report.Validation.Count == 0 || IsRehearsed
            ? null
            : HtmlPage.Section(
                "Validation",
                HtmlPage.Table(
                    ["area", "check", "result", "detail"],
                    Report.Validation.Select(check =>
                        (IReadOnlyList<object>)[check.Area, check.Name, Outcome(check.Outcome), check.Detail]
                    )
                )
            );

    XElement? Hooks() =>
        Status.Hooks.Count == 0
            ? null
            : HtmlPage.Section(
                "Hooks",
                HtmlPage.Table(
                    ["hook", "event", "at", "result", "attempts"],
                    Status.Hooks.Select(one =>
                        (IReadOnlyList<object>)
                            [
                                one.Hook,
                                one.Event,
                                $"{one.At:yyyy-MM-dd HH:mm:ss} UTC",
                                one.Outcome() + one.Why(),
                                one.Attempts,
                            ]
                    )
                )
            );

    static object Outcome(CheckOutcome outcome) =>
        outcome == CheckOutcome.Failed
            ? new XElement("td", new XAttribute("class", "failed"), "failed")
            : outcome.ToString().ToLowerInvariant();

    static string Target(Target target) => $"{target.Database} on {target.Host}:{target.Port}";
}
