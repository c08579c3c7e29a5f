using System.CommandLine;
using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Phases;
using Migrator.Reporting;
using Migrator.Settings;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>Moves a tenant into a database of its own, or goes on with a move that was interrupted.</summary>
sealed class PromoteCommand : TenantCommand
{
    readonly Option<bool> confirm = new("--confirm") { Description = "Do it without asking." };
    readonly Option<string> mode = new("--mode")
    {
        Description =
            "online: the tenant works on, its writes pause for a moment at the end. fenced: they pause while its rows are copied.",
        DefaultValueFactory = _ => PromotionOptions.Online,
    };
    readonly Option<bool> dryRun = new("--dry-run") { Description = "Preflight and the plan; change nothing." };
    readonly Option<bool> keep = new("--keep-shared-data")
    {
        Description = "Keep the rows in the shared database until finalize (default).",
    };
    readonly Option<bool> finalize = new("--finalize")
    {
        Description = "Delete them from the shared database at once.",
    };
    readonly Option<int> jobs = Jobs();
    readonly Option<TimeSpan?> maxPause = MaxPause();
    readonly Option<long?> maxRate = Size(
        "--max-rate",
        "What the copy may take a second, as in 20MB (default: no limit)."
    );
    readonly Option<long?> maxReplicaLag = Size(
        "--max-replica-lag",
        "The copy waits while a standby is further behind, as in 100MB; 0 for never (default 256MB, in mode fenced 0)."
    );
    readonly Option<int> maxActiveSessions = new("--max-active-sessions")
    {
        Description =
            "The copy waits while more sessions of others run statements on the shared server; 0 for never (default).",
    };
    readonly Option<long?> maxWal = Size(
        "--max-wal",
        "Write-ahead log that the shared server may have to keep for the change stream (default 10GB)."
    );
    readonly Option<bool> noValidate = new("--no-validate") { Description = "Skip the validation after the flip." };
    readonly Option<Uri[]> healthUrls = new("--health-url")
    {
        Description = "A URL that must answer 2xx after the flip; may be repeated.",
        CustomParser = ParseUrls,
    };
    readonly Option<FileInfo?> stackOutputs = new("--stack-outputs")
    {
        Description =
            "Take the isolated database's server, its role and the domain from this file ('pulumi stack output --json').",
    };
    readonly Option<FileInfo?> report = new("--report") { Description = "Write the report as Markdown to this file." };

    public PromoteCommand()
        : base("promote", "Move a tenant into a database of its own.")
    {
        mode.AcceptOnlyFromAmong(PromotionOptions.Online, PromotionOptions.Fenced);
        foreach (
            var option in (Option[])
                [
                    confirm,
                    mode,
                    dryRun,
                    keep,
                    finalize,
                    jobs,
                    maxPause,
                    maxRate,
                    maxReplicaLag,
                    maxActiveSessions,
                    maxWal,
                    noValidate,
                    healthUrls,
                    stackOutputs,
                    report,
                ]
        )
            Options.Add(option);
        maxActiveSessions.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (!int.TryParse(result.Tokens[0].Value, out var count) || count < 0))
                result.AddError("--max-active-sessions is a number; 0 stands for no limit.");
        });
        maxWal.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.Tokens[0].Value == "0")
                result.AddError("--max-wal is a size above 0, as in 10GB.");
        });
        Validators.Add(result =>
        {
            if (result.GetValue(stackOutputs) is not null && result.GetValue(target) is not null)
                result.AddError("--stack-outputs names the server, and so does --target. Leave one of them out.");
            if (result.GetValue(keep) && result.GetValue(finalize))
                result.AddError("--keep-shared-data and --finalize exclude each other. Choose one.");
        });
    }

    /// <summary>Workers side by side; two, or the machine's processors when there are more.</summary>
    public static Option<int> Jobs()
    {
        var option = new Option<int>("--jobs")
        {
            Description = "Workers that copy, build and compare side by side.",
            DefaultValueFactory = _ => Math.Clamp(Environment.ProcessorCount, 2, 8),
        };
        option.Validators.Add(result =>
        {
            if (
                result.Tokens.Count > 0
                && (!int.TryParse(result.Tokens[0].Value, out var count) || count is < 1 or > 32)
            )
                result.AddError("--jobs is a number from 1 to 32.");
        });
        return option;
    }

    /// <summary>How long the tenant's writes may have to wait; see <see cref="PauseOf"/>.</summary>
    public static Option<TimeSpan?> MaxPause() =>
        new("--max-pause")
        {
            Description =
                "How long the tenant's writes may have to wait at the cutover before they go on where they are, as in 500ms, 5s or 2m (default 5s; fenced: 30s until the guard is closed).",
            CustomParser = argument =>
            {
                if (Duration.TryParse(argument.Tokens[0].Value, out var pause))
                    return pause;
                argument.AddError($"'{argument.Tokens[0].Value}' is not a duration. Write it as 30s, 500ms or 2m.");
                return default;
            },
        };

    /// <summary>What was asked for, or what fits the mode.</summary>
    public static TimeSpan PauseOf(TimeSpan? asked, string mode) =>
        asked ?? TimeSpan.FromSeconds(mode == PromotionOptions.Online ? 5 : 30);

    static Option<long?> Size(string name, string description) =>
        new(name)
        {
            Description = description,
            CustomParser = argument =>
            {
                if (ByteSize.TryParse(argument.Tokens[0].Value, out var bytes))
                    return bytes;
                argument.AddError($"'{argument.Tokens[0].Value}' is not a size. Write it as 500kB, 20MB or 1GB.");
                return null;
            },
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
        var options = new PromotionOptions(
            parsed.GetValue(mode)!,
            parsed.GetValue(jobs),
            PauseOf(parsed.GetValue(maxPause), parsed.GetValue(mode)!),
            !parsed.GetValue(noValidate),
            parsed.GetValue(healthUrls) ?? []
        )
        {
            MaxRate = parsed.GetValue(maxRate) ?? 0,
            MaxReplicaLag = parsed.GetValue(maxReplicaLag),
            MaxActiveSessions = parsed.GetValue(maxActiveSessions),
            MaxWal = parsed.GetValue(maxWal) ?? PromotionOptions.DefaultMaxWal,
        };
        if (parsed.GetValue(dryRun))
        {
            await ShowPlanAsync(terminal, settings, databases, options, cancellationToken);
            return;
        }

        terminal.RequireConfirmation(
            parsed.GetValue(confirm),
            Name,
            slug,
            $"Move tenant {slug} into {slug.DatabaseName}? {(options.Mode == PromotionOptions.Online ? "It works on meanwhile." : "Its writes pause meanwhile.")}"
        );
        await terminal.ShowProgressAsync(async progress =>
        {
            var promotion = new Promotion(settings, databases, options, progress, terminal.Clock);
            await promotion.PromoteAsync(cancellationToken);
            if (parsed.GetValue(finalize))
                await promotion.FinalizeAsync(FinalizeCommand.DefaultBatch, force: false, cancellationToken);
        });

        var result = await PromotionReport.ReadAsync(settings, databases, slug, cancellationToken);
        if (parsed.GetValue(report) is { } file)
            await File.WriteAllTextAsync(file.FullName, result.ToMarkdown(), cancellationToken);
        var status = await StatusDocument.ReadAsync(settings, databases, slug, cancellationToken);
        if (terminal.Json)
        {
            status["report"] = result.ToJson();
            ConsoleOutput.WriteJson(status);
            return;
        }
        result.Write(terminal.Out);
        NextSteps.Write(terminal.Out, status);
    }

    static async Task ShowPlanAsync(
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        PromotionOptions options,
        CancellationToken cancellationToken
    )
    {
        var slug = databases.Slug;
        var result = await new Promotion(
            settings,
            databases,
            options,
            new SilentProgress(),
            terminal.Clock
        ).PreflightAsync(cancellationToken);
        if (result.Faults.Count > 0)
            throw PreflightMessages.Refusal(slug, result.Faults);
        var plan = new PromotionPlan(slug, options.Mode, result);
        if (terminal.Json)
            ConsoleOutput.WriteJson(plan.ToJson());
        else
            plan.Write(terminal.Out);
    }

    static Uri[] ParseUrls(System.CommandLine.Parsing.ArgumentResult argument)
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
