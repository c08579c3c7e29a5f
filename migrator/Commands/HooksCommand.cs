using System.CommandLine;
using Migrator.Connections;
using Migrator.Hooks;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Reporting;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>Delivers what a tenant's hooks have not taken, also what was given up, and shows what they were told.</summary>
sealed class HooksCommand()
    : TenantCommand("hooks", "Deliver what a tenant's hooks have not taken, and show what they were told.")
{
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    protected override async Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        // Asks nothing, and is forbidden where nothing may be changed.
        await terminal.ConfirmAsync(true, Name, slug, () => Task.FromResult(""), cancellationToken);
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        if ((await ToldAsync()).Any(one => one.IsOutstanding()))
        {
            await WriteAccess.RequireAsync(shared, cancellationToken);
            await OutboxJournal.HurryAsync(shared, slug.Text, givenUp: true, cancellationToken);
            await terminal.ShowProgressAsync(progress =>
                Courier(settings, databases, terminal, progress).EmptyAsync(shared, Limit, cancellationToken)
            );
        }
        var told = await ToldAsync();
        Write(terminal, slug, told);
        if (told.Count(one => one.IsOutstanding()) is > 0 and var count)
            throw HookMessages.LeftOver(slug, count);

        async Task<HookSection[]> ToldAsync() =>
            [.. (await OutboxJournal.OfTenantAsync(shared, tenant.Key, cancellationToken)).Select(HookSection.Of)];
    }

    static HookCourier Courier(
        MigratorSettings settings,
        Databases databases,
        ConsoleOutput terminal,
        IPromotionProgress progress
    ) => new(databases, settings.Tenancy.Hooks, progress, () => false, () => false, terminal.Clock);

    static void Write(ConsoleOutput terminal, Slug slug, IReadOnlyList<HookSection> all)
    {
        if (terminal.Json)
        {
            terminal.WriteJson(new HooksDocument(slug.Text, all, [$"migrator status --tenant-slug={slug}"]));
            return;
        }
        if (all.Count == 0)
        {
            Console.Out.WriteLine(HookMessages.NothingTold(slug));
            return;
        }
        var table = new Table().AddColumns("hook", "event", "at", "result", "attempts").RoundedBorder();
        foreach (var one in all)
            table.AddRow(
                Markup.Escape(one.Hook),
                one.Event,
                TimeConverter.Show(one.At),
                Markup.Escape(one.Outcome() + one.Why()),
                $"{one.Attempts}"
            );
        terminal.Out.Write(table);
    }
}
