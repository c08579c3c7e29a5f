using System.CommandLine;
using System.CommandLine.Parsing;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>Moves a tenant into a database of its own, or goes on with a move that was interrupted.</summary>
sealed class PromoteCommand : MoveCommand
{
    readonly Option<bool> confirm;
    readonly Option<string> mode;
    readonly Option<bool> dryRun;
    readonly Option<bool> keep;
    readonly Option<bool> finalize;
    readonly Option<int> jobs;
    readonly Option<TimeSpan?> maxPause;
    readonly Option<string> duringPause;
    readonly Option<int> maxWaiting;
    readonly LoadChoices load;
    readonly Option<bool> noValidate;
    readonly Option<Uri[]> healthUrls;
    readonly Option<FileInfo?> stackOutputs;
    readonly Option<FileInfo?> report;
    readonly HoldChoices hold;
    readonly Option<bool> rehearse;
    readonly Option<bool> keepRehearsed;

    public PromoteCommand()
        : base("promote", "Move a tenant into a database of its own.")
    {
        confirm = Add(CommonOptions.Confirm());
        mode = Add(ModeOption());
        dryRun = Add<bool>(new("--dry-run") { Description = "Preflight and the plan; change nothing." });
        keep = Add<bool>(
            new("--keep-shared-data") { Description = "Keep the rows in the shared database until finalize (default)." }
        );
        finalize = Add<bool>(new("--finalize") { Description = "Delete them from the shared database at once." });
        jobs = Add(CommonOptions.Jobs());
        maxPause = Add(CommonOptions.MaxPause());
        duringPause = Add(CommonOptions.DuringPause());
        maxWaiting = Add(CommonOptions.MaxWaiting());
        load = new(this);
        noValidate = Add<bool>(new("--no-validate") { Description = "Skip the validation after the flip." });
        healthUrls = Add(HealthUrlsOption());
        stackOutputs = Add(StackOutputsOption());
        report = Add(ReportFile.Option());
        hold = new(this);
        rehearse = Add<bool>(
            new("--rehearse")
            {
                Description =
                    "Everything but the move: copy, verify, rehearse the pause twenty times, and undo all of it.",
            }
        );
        keepRehearsed = Add<bool>(
            new("--keep") { Description = "Do not undo the rehearsal: hold until 'migrator cutover' lets it go." }
        );
        Validators.Add(RequireThatTheyGoTogether);
    }

    void RequireThatTheyGoTogether(CommandResult result)
    {
        if (result.GetValue(stackOutputs) is not null && result.GetValue(Target) is not null)
            result.AddError("--stack-outputs names the server, and so does --target. Leave one of them out.");
        if (result.GetValue(keep) && result.GetValue(finalize))
            result.AddError("--keep-shared-data and --finalize exclude each other. Choose one.");
        hold.Validate(result, mode, finalize);
        if (result.GetValue(keepRehearsed) && !result.GetValue(rehearse))
            result.AddError(RehearsalMessages.KeepsNothing);
        if (!result.GetValue(rehearse))
            return;
        if (result.GetValue(finalize) || result.GetValue(dryRun))
            result.AddError(RehearsalMessages.MovesNothing);
        if (result.GetValue(mode) == PromotionOptions.Fenced)
            result.AddError(RehearsalMessages.NeedsOnline);
        if (hold.IsSaid(result))
            result.AddError(RehearsalMessages.HoldsNothing);
    }

    protected override string VerbOf(ParseResult parsed) => parsed.GetValue(rehearse) ? "rehearse" : Name;

    static Option<string> ModeOption()
    {
        var option = new Option<string>("--mode")
        {
            Description =
                "online: the tenant works on, its writes pause for a moment at the end. "
                + "fenced: they pause while its rows are copied.",
            DefaultValueFactory = _ => PromotionOptions.Online,
        };
        option.AcceptOnlyFromAmong(PromotionOptions.Online, PromotionOptions.Fenced);
        return option;
    }

    static Option<Uri[]> HealthUrlsOption() =>
        new("--health-url")
        {
            Description = "A URL that must answer 2xx after the flip; may be repeated.",
            CustomParser = ParseUrls,
        };

    static Option<FileInfo?> StackOutputsOption() =>
        new("--stack-outputs")
        {
            Description =
                "Take the isolated database's server, its role and the domain from this file "
                + "('pulumi stack output --json').",
        };

    protected override async Task<MigratorSettings> ReadSettingsAsync(
        ParseResult parsed,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        var settings = ReadSettings(parsed);
        return parsed.GetValue(stackOutputs) is { } file
            ? (await StackOutputs.ReadAsync(file, slug, cancellationToken)).Apply(settings, slug)
            : settings;
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
        var options = OptionsOf(parsed);
        if (parsed.GetValue(dryRun))
        {
            await ShowPlanAsync(terminal, settings, databases, options, cancellationToken);
            return;
        }

        await terminal.ConfirmAsync(
            parsed.GetValue(confirm),
            Name,
            slug,
            () => ShowWhatIsToHappenAsync(terminal, settings, databases, options, cancellationToken),
            cancellationToken
        );
        await terminal.ShowProgressAsync(async progress =>
        {
            var promotion = new Promotion(settings, databases, options, progress, terminal.Clock);
            await promotion.PromoteAsync(cancellationToken);
            if (parsed.GetValue(finalize))
                await promotion.FinalizeAsync(FinalizeCommand.DefaultBatch, force: false, cancellationToken);
        });

        var file = parsed.GetValue(report);
        if (options.Rehearses)
            await PromotionOutput.WriteRehearsalAsync(terminal, settings, databases, file, cancellationToken);
        else
            await PromotionOutput.WriteAsync(terminal, settings, databases, file, cancellationToken);
    }

    PromotionOptions OptionsOf(ParseResult parsed) =>
        load.In(
            parsed,
            new(
                parsed.GetValue(mode)!,
                parsed.GetValue(jobs),
                CommonOptions.PauseOf(parsed.GetValue(maxPause), parsed.GetValue(mode)!),
                !parsed.GetValue(noValidate),
                parsed.GetValue(healthUrls) ?? []
            )
            {
                RefusesDuringPause = parsed.GetValue(duringPause) == CommonOptions.Refuse && !parsed.GetValue(rehearse),
                MaxWaiting = parsed.GetValue(maxWaiting),
                Hold = parsed.GetValue(keepRehearsed) ? new(Detach: true) : hold.Of(parsed),
                Rehearses = parsed.GetValue(rehearse),
            }
        );

    // A promotion under way is resumed as it was begun; a new one is planned.
    static async Task<string> ShowWhatIsToHappenAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        PromotionOptions options,
        CancellationToken cancellationToken
    )
    {
        var slug = databases.Slug;
        var status = await StatusReader.ReadAsync(settings, databases, slug, cancellationToken);
        if (status.Promotion is { EndedAt: null } promotion)
        {
            StatusCommand.Show(terminal, terminal.Error, status);
            return $"Resume the promotion of {slug}, which is in phase {promotion.Phase}?";
        }
        (await PlanAsync(terminal, settings, databases, options, cancellationToken)).WritePlan(terminal.Error);
        if (options.Rehearses)
            return RehearsalMessages.Question(slug, keeps: options.Hold is not null);
        return $"Move tenant {slug} into {slug.DatabaseName} on {settings.Target.Host}:{settings.Target.Port}? "
            + (options.Mode == PromotionOptions.Online ? "It works on meanwhile." : "Its writes pause meanwhile.");
    }

    static async Task ShowPlanAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        PromotionOptions options,
        CancellationToken cancellationToken
    )
    {
        var plan = await PlanAsync(terminal, settings, databases, options, cancellationToken);
        var document = plan.ToDocument();
        if (terminal.Json)
        {
            terminal.WriteJson(document);
            return;
        }
        plan.WritePlan(terminal.Out);
        Console.Out.WriteLine("Nothing was changed.");
        foreach (var step in document.NextSteps)
            Console.Out.WriteLine(terminal.Advice.In($"Next: {step}"));
    }

    static async Task<PromotionPlan> PlanAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        PromotionOptions options,
        CancellationToken cancellationToken
    )
    {
        var result = await new Promotion(
            settings,
            databases,
            options,
            new SilentProgress(),
            terminal.Clock
        ).PreflightAsync(cancellationToken);
        return result.Faults.Count > 0
            ? throw PreflightMessages.Refusal(databases.Slug, result.Faults)
            : new(databases.Slug, options.Mode, result);
    }

    static Uri[] ParseUrls(ArgumentResult argument)
    {
        var urls = new List<Uri>();
        foreach (var token in argument.Tokens)
            if (Uri.TryCreate(token.Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
                urls.Add(url);
            else
                argument.AddError($"'{token.Value}' is not an http or https URL.");
        return [.. urls];
    }
}
