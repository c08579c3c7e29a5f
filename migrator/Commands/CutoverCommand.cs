using System.CommandLine;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>Lets a promotion go that holds before its cutover, or takes that back.</summary>
sealed class CutoverCommand : MoveCommand
{
    readonly Option<bool> confirm;
    readonly Option<bool> cancel;
    readonly Option<int> jobs;
    readonly Option<TimeSpan?> maxPause;
    readonly Option<int> maxWaiting;
    readonly Option<TimeSpan?> maxSnapshot;
    readonly Option<FileInfo?> report;

    public CutoverCommand()
        : base("cutover", "Let a promotion go that holds before its cutover ('promote --hold').")
    {
        confirm = Add(CommonOptions.Confirm());
        cancel = Add<bool>(new("--cancel") { Description = "Take that back; possible until the tenant has moved." });
        jobs = Add(CommonOptions.Jobs());
        maxPause = Add(CommonOptions.MaxPause());
        maxWaiting = Add(CommonOptions.MaxWaiting());
        maxSnapshot = Add(CommonOptions.MaxSnapshot());
        report = Add(ReportFile.Option());
    }

    protected override async Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        var (record, hold) = await FindAsync(settings, databases, cancellationToken);
        await ConfirmAsync(
            parsed.GetValue(confirm),
            terminal,
            settings,
            databases,
            HoldMessages.Question(slug, parsed.GetValue(cancel)),
            cancellationToken
        );
        if (parsed.GetValue(cancel))
        {
            await TakeBackAsync(terminal, databases, record, hold, cancellationToken);
            await StatusCommand.ShowAsync(terminal, settings, databases, slug, cancellationToken);
            return;
        }
        await GoOnAsync(terminal, settings, databases, (record, hold), OptionsOf(parsed), cancellationToken);
        await PromotionOutput.WriteAsync(terminal, settings, databases, parsed.GetValue(report), cancellationToken);
    }

    PromotionOptions OptionsOf(ParseResult parsed) =>
        new(
            PromotionOptions.Online,
            parsed.GetValue(jobs),
            CommonOptions.PauseOf(parsed.GetValue(maxPause), PromotionOptions.Online),
            Validate: true,
            []
        )
        {
            LetGoBy = CommonOptions.User,
            MaxWaiting = parsed.GetValue(maxWaiting),
            MaxSnapshot = parsed.GetValue(maxSnapshot) ?? PromotionOptions.DefaultMaxSnapshot,
        };

    static Task GoOnAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        (PromotionRecord Record, HoldRecord? Hold) held,
        PromotionOptions options,
        CancellationToken cancellationToken
    ) =>
        terminal.ShowProgressAsync(async progress =>
        {
            // A run that flipped and did not get further has left the rest.
            var request = new CutoverRequest(databases, held.Record, progress, terminal.Clock);
            if (held.Hold is null || !await request.IsDoneByHolderAsync(options.LetGoBy!, cancellationToken))
                await new Promotion(settings, databases, options, progress, terminal.Clock).PromoteAsync(
                    cancellationToken
                );
        });

    static async Task TakeBackAsync(
        ConsoleOutput terminal,
        Databases databases,
        PromotionRecord record,
        HoldRecord? hold,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        await WriteAccess.RequireAsync(shared, cancellationToken);
        var closes = hold?.Window?.EndAt(terminal.Clock.GetUtcNow());
        if (!await HoldJournal.TakeBackAsync(shared, record, closes, cancellationToken))
            throw HoldMessages.NothingToTakeBack(databases.Slug);
        if (!terminal.Json)
            await Console.Out.WriteLineAsync(HoldMessages.IsTakenBack(databases.Slug, closes));
    }

    /// <exception cref="MigratorException">The tenant is not held, or has lost its stream: nothing was changed.</exception>
    static async Task<(PromotionRecord, HoldRecord?)> FindAsync(
        MigratorSettings settings,
        Databases databases,
        CancellationToken cancellationToken
    )
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, databases.Slug, cancellationToken);
        var record = await JournalReader.FindAsync(shared, tenant.Key, cancellationToken);
        if (record is not { EndedAt: null })
            throw HoldMessages.NotHeld(databases.Slug, "no promotion of it is under way");
        if (record.Stage == PromotionStage.Isolated && record.Phase(PhaseName.Validate)?.EndedAt is null)
            return (record, null);
        if (record.Stage != PromotionStage.BeforeCutover)
            throw HoldMessages.NotHeld(databases.Slug, $"its promotion is in state '{record.State}'");
        var hold = await HoldJournal.FindAsync(shared, record.Id, cancellationToken);
        if (hold is not { Since: not null })
            throw HoldMessages.NotHeld(
                databases.Slug,
                $"its promotion is in state '{record.State}'{(hold is null ? " and was not asked to hold" : "")}"
            );
        var slot = await StreamReport.ForwardSlotAsync(shared, tenant, cancellationToken);
        return slot is null or { WalStatus: "lost" } ? throw HoldMessages.SlotLost(databases.Slug) : (record, hold);
    }
}
