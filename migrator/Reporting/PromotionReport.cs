using System.Globalization;
using System.Text;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Spectre.Console;

namespace Migrator.Reporting;

/// <summary>
/// What a promotion did, as the journal tells it: tables with digests, phases with durations, the pause, the validation.
/// </summary>
public sealed record PromotionReport(
    Slug Slug,
    PromotionRecord Record,
    IReadOnlyDictionary<string, Digest> Digests,
    IReadOnlyList<Check> Checks,
    RehearsalSection? Rehearsal,
    IReadOnlyList<HookSection> Hooks
)
{
    /// <param name="tenantKey">The key of the tenant, which whoever asks has looked up.</param>
    public static async Task<PromotionReport> ReadAsync(
        Databases databases,
        string tenantKey,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var record = (await JournalReader.FindAsync(shared, tenantKey, cancellationToken))!;
        var digests = await JournalReader.DigestsAsync(shared, record.Id, cancellationToken);
        var checks =
            record.Phase(PhaseName.Validate) is { } phase && PhaseData.Read<ValidationFacts>(phase.Facts) is { } facts
                ? facts.Checks
                : [];
        var rehearsal = RehearsalSection.Of(await JournalReader.RehearsalAsync(shared, tenantKey, cancellationToken));
        var hooks = await OutboxJournal.OfTenantAsync(shared, tenantKey, cancellationToken);
        return new(databases.Slug, record, digests, checks, rehearsal, [.. hooks.Select(HookSection.Of)]);
    }

    /// <summary>Milliseconds of each part of the pause; null where the journal has none.</summary>
    public IReadOnlyDictionary<string, double>? PauseParts =>
        Record.Phase(PhaseName.CutOver) is { } cutover ? PhaseData.Read<CutoverFacts>(cutover.Facts)?.PauseParts : null;

    long Rows => Digests.Values.Sum(digest => digest.Rows);

    CopyFacts? Copied =>
        Record.Phase(PhaseName.CopyData) is { EndedAt: not null } copy ? PhaseData.Read<CopyFacts>(copy.Facts) : null;

    string Megabytes => $"{(Copied?.Bytes ?? 0) / 1e6:N1}";

    IEnumerable<(string Name, string Seconds)> Phases =>
        Record
            .Phases.Where(phase => phase.EndedAt is not null)
            .Select(phase =>
                (
                    phase.Name,
                    (phase.EndedAt!.Value - phase.StartedAt).TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture)
                )
            );

    string Pause =>
        Record.PauseMilliseconds is { } pause
            ? pause >= 10_000
                ? $"{pause / 1000:0.0} s"
                : $"{pause:0} ms"
            : "none";

    // The pause beside those that were rehearsed; null if there were none.
    string? Compared =>
        Rehearsal is { } rehearsed && Record is { IsOnline: true, PauseMilliseconds: { } pause }
            ? RehearsalMessages.Pauses(
                rehearsed.PauseMinMs,
                rehearsed.PauseMedianMs,
                rehearsed.PauseP90Ms,
                rehearsed.PauseMaxMs,
                rehearsed.Pauses.Count
            )
                + " "
                + RehearsalMessages.Compared(pause, rehearsed.PauseMaxMs)
            : null;

    string Where => $"{Record.Target.Database} on {Record.Target.Host}:{Record.Target.Port}";

    /// <summary>On screen: what a person has to know, in a few lines.</summary>
    /// <param name="verbose">All tables, checks and phases as well.</param>
    public void Write(IAnsiConsole console, bool verbose)
    {
        if (verbose)
            WriteTables(console);
        console.MarkupLineInterpolated($"[green]✓[/] [bold]{Slug}[/] is in {Where}.");
        console.MarkupLineInterpolated(
            $"  [bold]{Rows:N0}[/] rows in {Digests.Count} tables, {Megabytes} MB. Both sides were equal at the flip."
        );
        console.MarkupLineInterpolated($"  Writes paused for [bold]{Pause}[/] (mode {Record.Mode}).");
        if (Compared is { } compared)
            console.MarkupLineInterpolated($"  {compared}");
        if (Checks.Count == 0)
            return;
        var passed = Checks.Count(check => check.Outcome == CheckOutcome.Passed);
        var judged = Checks.Count(check => check.Outcome is CheckOutcome.Passed or CheckOutcome.Failed);
        console.MarkupLineInterpolated($"  Validation: {passed} of {judged} checks passed.");
        foreach (var check in Checks.Where(check => check.Outcome == CheckOutcome.Failed))
            console.MarkupLineInterpolated($"  [red]failed[/] {check.Area}, {check.Name}: {check.Detail}");
        // What may be others' is said aloud; measurements of speed are not.
        foreach (var check in Checks.Where(check => check is { Outcome: CheckOutcome.Measured, Area: "security" }))
            console.MarkupLineInterpolated($"  [yellow]![/] {check.Name}: {check.Detail}");
        if (!verbose)
            console.MarkupLineInterpolated($"  [grey]--verbose and --report show all tables, checks and phases.[/]");
    }

    void WriteTables(IAnsiConsole console)
    {
        var tables = new Table().AddColumns("table", "rows", "digest").RoundedBorder();
        tables.Columns[1].RightAligned();
        tables.Columns[2].RightAligned();
        foreach (var (name, digest) in Digests.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            tables.AddRow(Markup.Escape(name), digest.Rows.ToString("N0"), digest.Sum);
        console.Write(tables);
        if (Checks.Count > 0)
            console.Write(ValidationTable());
        var phases = new Table().AddColumns("phase", "seconds").RoundedBorder();
        phases.Columns[1].RightAligned();
        foreach (var (name, seconds) in Phases)
            phases.AddRow(name, seconds);
        console.Write(phases);
    }

    Table ValidationTable()
    {
        var validation = new Table().AddColumns("area", "check", "result", "detail").RoundedBorder();
        foreach (var check in Checks)
            validation.AddRow(
                Markup.Escape(check.Area),
                Markup.Escape(check.Name),
                Coloured(check.Outcome),
                Markup.Escape(check.Detail)
            );
        return validation;
    }

    /// <summary>The same for a file or a pull request.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine($"# Promotion of {Slug}").AppendLine();
        text.Append($"{Where}; {Rows:N0} rows, {Megabytes} MB; writes paused for {Pause} (mode {Record.Mode}); ")
            .AppendLine($"started {Record.StartedAt:yyyy-MM-dd HH:mm:ss} UTC.")
            .AppendLine();
        if (Compared is { } compared)
            text.AppendLine(compared).AppendLine();
        text.AppendLine("| table | rows | digest |").AppendLine("|---|---:|---:|");
        foreach (var (name, digest) in Digests.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            text.AppendLine($"| {Cell(name)} | {digest.Rows:N0} | {digest.Sum} |");
        if (Checks.Count > 0)
        {
            text.AppendLine().AppendLine("| area | check | result | detail |").AppendLine("|---|---|---|---|");
            foreach (var check in Checks)
                text.Append($"| {Cell(check.Area)} | {Cell(check.Name)} ")
                    .AppendLine($"| {check.Outcome.ToString().ToLowerInvariant()} | {Cell(check.Detail)} |");
        }
        if (Hooks.Count > 0)
        {
            text.AppendLine().AppendLine("| hook | event | result |").AppendLine("|---|---|---|");
            foreach (var hook in Hooks)
                text.AppendLine($"| {Cell(hook.Hook)} | {hook.Event} | {Cell(hook.Outcome() + hook.Why())} |");
        }
        text.AppendLine().AppendLine("| phase | seconds |").AppendLine("|---|---:|");
        foreach (var (name, seconds) in Phases)
            text.AppendLine($"| {name} | {seconds} |");
        return text.ToString();
    }

    /// <summary>The same as the part of promote's result that status does not have.</summary>
    public ReportSection ToSection() =>
        new(
            [
                .. Digests
                    .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                    .Select(pair => new ReportSection.TableEntry(pair.Key, pair.Value.Rows, pair.Value.Sum)),
            ],
            Checks,
            Rehearsal
        );

    static string Coloured(CheckOutcome outcome) =>
        outcome switch
        {
            CheckOutcome.Passed => "[green]passed[/]",
            CheckOutcome.Failed => "[red]failed[/]",
            CheckOutcome.Skipped => "[yellow]skipped[/]",
            _ => "[grey]measured[/]",
        };

    static string Cell(string text) => text.Replace("|", "\\|").Replace("\n", " ");
}
