using Migrator.Connections;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>What <c>promote</c> and <c>cutover</c> print when they have done their work.</summary>
static class PromotionOutput
{
    /// <summary>What <c>promote --rehearse</c> prints.</summary>
    public static async Task WriteRehearsalAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        FileInfo? report,
        CancellationToken cancellationToken
    )
    {
        // The rehearsal is over: what comes next is the real one.
        terminal.Advice = terminal.Advice.Without("--rehearse", "--keep");
        var status = await StatusReader.ReadAsync(settings, databases, databases.Slug, cancellationToken);
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var facts = await JournalReader.RehearsalAsync(shared, status.TenantId, cancellationToken);
        var rehearsal = RehearsalSection.Of(facts)!;
        var result = new RehearsalReport(databases.Slug, rehearsal, status.Hold is not null);
        status = status with { Rehearsal = rehearsal };
        await ReportFile.WriteAsync(
            report,
            terminal,
            databases,
            "Rehearsal",
            status,
            _ => result.ToMarkdown(),
            cancellationToken
        );
        if (terminal.Json)
        {
            terminal.WriteJson(status);
            return;
        }
        result.Write(terminal.Out);
        NextSteps.Write(terminal, status);
    }

    /// <param name="report">Where to write the report; null for nowhere.</param>
    public static async Task WriteAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        FileInfo? report,
        CancellationToken cancellationToken
    )
    {
        var slug = databases.Slug;
        var status = await StatusReader.ReadAsync(settings, databases, slug, cancellationToken);
        if (status.Promotion is { State: PromotionState.Holding })
        {
            StatusCommand.Write(terminal, status);
            return;
        }
        var result = await PromotionReport.ReadAsync(databases, status.TenantId, cancellationToken);
        await ReportFile.WriteAsync(
            report,
            terminal,
            databases,
            "Promotion",
            status,
            promotion => promotion.ToMarkdown(),
            cancellationToken
        );
        if (terminal.Json)
        {
            terminal.WriteJson(status with { Report = result.ToSection() });
            return;
        }
        result.Write(terminal.Out, terminal.Verbose);
        NextSteps.Write(terminal, status);
    }
}
