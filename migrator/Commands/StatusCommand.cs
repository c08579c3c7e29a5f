using System.CommandLine;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>Where a tenant is, and how far its promotion.</summary>
sealed class StatusCommand() : TenantCommand("status", "Show where a tenant is and how far its promotion.")
{
    protected override Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    ) => ShowAsync(terminal, settings, databases, slug, cancellationToken);

    public static async Task ShowAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        var status = await StatusReader.ReadAsync(settings, databases, slug, cancellationToken);
        if (terminal.Json)
            ConsoleOutput.WriteJson(status);
        else
            Show(terminal.Out, status);
    }

    static void Show(IAnsiConsole console, StatusDocument status)
    {
        var grid = new Grid().AddColumns(2);
        foreach (var (name, text) in Rows(status))
            grid.AddRow(new Markup($"[grey]{name}[/]"), new Text(text));
        console.Write(grid);
        foreach (var warning in status.Warnings)
            console.MarkupLineInterpolated($"[yellow]![/] {warning}");
        NextSteps.Write(console, status);
    }

    static IEnumerable<(string Name, string Text)> Rows(StatusDocument status)
    {
        yield return ("tenant", $"{status.TenantSlug} ({status.TenantId})");
        yield return ("isolation mode", status.IsolationMode);
        yield return ("plan, status", $"{Shown(status.Plan)}, {Shown(status.Status)}");
        yield return ("created, updated", $"{Shown(status.CreatedAt)}, {Shown(status.UpdatedAt)}");
        var database = status.Routing.Database;
        yield return ("database", $"{database.Name} on {database.Host}:{database.Port}");
        yield return ("write guard", status.Guard ?? "none");
        if (status.Promotion is { } promotion)
        {
            var since = TimeConverter.Show(promotion.StartedAt);
            var phase = Shown(promotion.Phase);
            yield return ("promotion", $"{promotion.State}, phase {phase}, mode {promotion.Mode}, since {since}");
            yield return ("copied", $"{promotion.Rows} rows in {promotion.Tables} tables");
            if (promotion.PauseMs is { } pause)
                yield return ("pause", $"{pause} ms");
            if (promotion.Error is { } error)
                yield return ("error", error);
        }
        if (status.Stream is { } stream)
        {
            var active = stream.Active ? "active" : "idle";
            var (lag, held) = (ByteSize.Show(stream.LagBytes), ByteSize.Show(stream.WalHeldBytes));
            yield return (
                "stream",
                $"{stream.Slot} in {stream.Database}, {active}, {lag} behind, "
                    + $"holds {held} of WAL ({stream.WalStatus})"
            );
        }
    }

    static string Shown(object? value) => value?.ToString() ?? "–";
}
