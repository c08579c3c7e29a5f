using System.CommandLine;
using Migrator.Connections;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>Where a tenant is, and how far its promotion.</summary>
sealed class StatusCommand : TenantCommand
{
    static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    readonly Option<bool> watch;

    public StatusCommand()
        : base("status", "Show where a tenant is and how far its promotion.") =>
        watch = Add<bool>(new("--watch") { Description = "Show each change until no run is at work." });

    protected override Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    ) =>
        parsed.GetValue(watch)
            ? WatchAsync(terminal, settings, databases, slug, cancellationToken)
            : ShowAsync(terminal, settings, databases, slug, cancellationToken);

    // A line for each change, and last the whole status; as JSON each is a whole document.
    static async Task WatchAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        string? shown = null;
        while (true)
        {
            var status = await StatusReader.ReadAsync(settings, databases, slug, cancellationToken);
            if (terminal.Json)
                terminal.WriteJsonLine(status);
            else if (status.Run is not null && Line(status) is var line && line != shown)
                Console.Out.WriteLine($"{terminal.Clock.GetLocalNow():HH:mm:ss}  {shown = line}");
            if (status.Run is null)
            {
                if (!terminal.Json)
                    Write(terminal, status);
                return;
            }
            await Task.Delay(LookInterval, terminal.Clock, cancellationToken);
        }
    }

    static string Line(StatusDocument status)
    {
        var waits =
            status.WaitsFor is [var first, ..] ? $", waits for {first}"
            : status.Progress?.WaitsFor is { } why ? $", waits: {why}"
            : "";
        if (status.Promotion is not { } promotion)
            return $"no promotion yet{waits}";
        var done = ProgressRows.Short(status.Progress) ?? Copied(promotion);
        return $"{promotion.State}, phase {Shown(promotion.Phase)}, {done}, guard {status.Guard ?? "none"}{waits}";
    }

    public static async Task ShowAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        Write(terminal, await StatusReader.ReadAsync(settings, databases, slug, cancellationToken));
    }

    /// <summary>The same, with a report of what was done if a file was named.</summary>
    /// <param name="verb">What was done, as a noun.</param>
    public static async Task ShowAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        FileInfo? report,
        string verb,
        CancellationToken cancellationToken
    )
    {
        var status = await StatusReader.ReadAsync(settings, databases, slug, cancellationToken);
        await ReportFile.WriteAsync(report, terminal, databases, verb, status, null, cancellationToken);
        Write(terminal, status);
    }

    public static void Write(ConsoleOutput terminal, StatusDocument status)
    {
        if (terminal.Json)
        {
            terminal.WriteJson(status);
            return;
        }
        Show(terminal, terminal.Out, status);
        NextSteps.Write(terminal, status);
    }

    /// <summary>Where the tenant is, for a person who is about to change that.</summary>
    public static void Show(ConsoleOutput terminal, IAnsiConsole console, StatusDocument status)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        foreach (var (name, text) in Rows(status))
            grid.AddRow(new Markup($"[grey]{name}[/]"), new Text(terminal.Advice.In(text)));
        console.Write(grid);
        foreach (var warning in status.Warnings)
            console.MarkupLineInterpolated($"[yellow]![/] {terminal.Advice.In(warning)}");
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
        if (status.Run is { } run)
            yield return ("run", $"{run}, is at work");
        foreach (var row in status.Promotion is { } promotion ? Rows(promotion) : [])
            yield return row;
        foreach (var row in status.Progress is { } progress ? ProgressRows.Of(progress) : [])
            yield return row;
        if (status.Load is { } load && LoadRows.Of(load) is { } limits)
            yield return ("limits", limits);
        foreach (var waits in status.WaitsFor)
            yield return ("waits for", waits);
        foreach (var row in status.Hold is { } hold ? HoldRows.Of(hold) : [])
            yield return row;
        if (status.Hooks.Count > 0)
            yield return ("hooks", Shown(status.Hooks));
        if (status.Stream is { } stream)
            yield return ("stream", Shown(stream));
    }

    static IEnumerable<(string Name, string Text)> Rows(PromotionSection promotion)
    {
        var since = TimeConverter.Show(promotion.StartedAt);
        var phase = Shown(promotion.Phase);
        yield return ("promotion", $"{promotion.State}, phase {phase}, mode {promotion.Mode}, since {since}");
        yield return ("copied", Copied(promotion));
        if (promotion.PauseMs is { } pause)
            yield return (promotion.State == PromotionState.Shared ? "pause of the promotion" : "pause", $"{pause} ms");
        if (promotion.Error is { } error)
            yield return ("error", error);
    }

    static string Shown(StreamSection stream)
    {
        var active = stream.Active ? "active" : "idle";
        var (lag, held) = (ByteSize.Show(stream.LagBytes), ByteSize.Show(stream.WalHeldBytes));
        return $"{stream.Slot} in {stream.Database}, {active}, {lag} behind, holds {held} of WAL ({stream.WalStatus})";
    }

    // What is not delivered is said by the warnings.
    static string Shown(IReadOnlyList<HookSection> hooks)
    {
        var last = hooks[^1];
        var outstanding = hooks.Count(one => one.IsOutstanding());
        return $"{hooks.Count - outstanding} of {hooks.Count} messages settled, the last: '{last.Event}' to {last.Hook}, "
            + last.Outcome();
    }

    static string Copied(PromotionSection promotion)
    {
        var bytes = promotion.Bytes is { } copied ? $" ({ByteSize.Show(copied)})" : "";
        return $"{promotion.Rows:N0} rows{bytes} in {promotion.Tables} tables";
    }

    static string Shown(object? value) => value?.ToString() ?? "–";
}
