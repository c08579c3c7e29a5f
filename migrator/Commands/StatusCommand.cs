using System.CommandLine;
using System.Text.Json.Nodes;
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
        var status = await StatusDocument.ReadAsync(settings, databases, slug, cancellationToken);
        if (terminal.Json)
        {
            ConsoleOutput.WriteJson(status);
            return;
        }

        var grid = new Grid().AddColumns(2);
        void Row(string name, JsonNode? value) =>
            grid.AddRow(new Markup($"[grey]{name}[/]"), new Text(value?.ToString() ?? "–"));
        Row("tenant", $"{slug} ({status["tenant_id"]})");
        Row("isolation mode", status["isolation_mode"]);
        Row("plan, status", $"{status["plan"] ?? "–"}, {status["status"] ?? "–"}");
        Row("created, updated", $"{status["created_at"] ?? "–"}, {status["updated_at"] ?? "–"}");
        var database = status["routing"]!["database"]!;
        Row("database", $"{database["name"]} on {database["host"]}:{database["port"]}");
        Row("write guard", status["guard"] ?? "none");
        if (status["promotion"] is { } promotion)
        {
            Row(
                "promotion",
                $"{promotion["state"]}, phase {promotion["phase"] ?? "–"}, mode {promotion["mode"]}, since {promotion["started_at"]}"
            );
            Row("copied", $"{promotion["rows"]} rows in {promotion["tables"]} tables");
            if (promotion["pause_ms"] is { } pause)
                Row("pause", $"{pause} ms");
            if (promotion["error"] is { } error)
                Row("error", error);
        }
        if (status["stream"] is { } stream)
            Row(
                "stream",
                $"{stream["slot"]} in {stream["database"]}, {((bool)stream["active"]! ? "active" : "idle")}, {ByteSize.Show((long)stream["lag_bytes"]!)} behind, "
                    + $"holds {ByteSize.Show((long)stream["wal_held_bytes"]!)} of WAL ({stream["wal_status"]})"
            );
        terminal.Out.Write(grid);
        foreach (var warning in status["warnings"]!.AsArray())
            terminal.Out.MarkupLineInterpolated($"[yellow]![/] {warning!.ToString()}");
        NextSteps.Write(terminal.Out, status);
    }
}

/// <summary>The commands that make sense now, at the end of what a person reads.</summary>
static class NextSteps
{
    public static void Write(IAnsiConsole console, JsonObject status)
    {
        foreach (var step in status["next_steps"]!.AsArray())
            console.MarkupLineInterpolated($"Next: {step!.ToString()}");
    }
}
