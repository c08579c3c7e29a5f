using System.Text.RegularExpressions;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;
using Migrator.Telemetry;
using Spectre.Console;

namespace Migrator.Terminal;

/// <summary>The two streams of a command: the result on standard output, everything else on standard error.</summary>
/// <param name="Json">One JSON document is the result.</param>
/// <param name="JsonLog">Standard error gets a JSON object a line.</param>
public sealed partial record ConsoleOutput(bool Json, bool JsonLog, bool Verbose)
{
    /// <summary>The environment variable that forbids every verb that changes something.</summary>
    const string DryRunOnly = "MIGRATOR_DRY_RUN_ONLY";

    /// <summary>For tables and text of the result.</summary>
    public IAnsiConsole Out { get; } = Create(Console.Out);

    public IAnsiConsole Error { get; } = Create(Console.Error);

    public TimeProvider Clock { get; } = TimeProvider.System;

    /// <summary>Completes the commands that are recommended.</summary>
    public Advice Advice { get; set; } = Advice.None;

    /// <summary>Who else is to know of a run; null for nobody.</summary>
    public RunObserver? Observer { get; set; }

    public Task ShowProgressAsync(Func<IPromotionProgress, Task> work) =>
        ProgressDisplay.RunAsync(
            Error,
            JsonLog,
            Console.Error,
            Clock,
            progress =>
            {
                var advising = new AdvisingProgress(progress, Advice);
                return Observer is null ? work(advising) : Observer.RunAsync(advising, work);
            }
        );

    /// <summary>Asks on a terminal; in a pipe there is nobody to ask.</summary>
    /// <param name="show">Shows on standard error what is to happen, and returns the question.</param>
    /// <exception cref="MigratorException"><see cref="ExitCode.Usage"/> when nobody says yes.</exception>
    public async Task ConfirmAsync(
        bool confirmed,
        string verb,
        Slug? slug,
        Func<Task<string>> show,
        CancellationToken cancellationToken
    )
    {
        if (Environment.GetEnvironmentVariable(DryRunOnly) is { Length: > 0 })
            throw UsageMessages.DryRunOnly(verb, DryRunOnly);
        if (confirmed)
            return;
        if (Console.IsInputRedirected || !Error.Profile.Out.IsTerminal)
            throw new MigratorException(ExitCode.Usage, UsageMessages.ConfirmationNeeded(verb, slug));
        var prompt = new ConfirmationPrompt(Markup.Escape(await show())) { DefaultValue = false };
        if (!await Error.PromptAsync(prompt, cancellationToken))
            throw new MigratorException(ExitCode.Usage, UsageMessages.NotConfirmed(verb));
    }

    /// <summary>The one JSON document of a command.</summary>
    public void WriteJson<T>(T document) =>
        Console.Out.WriteLine(JsonText.OfDocument(Advice.In(JsonText.NodeOf(document))));

    /// <summary>One of several JSON documents, each on a line of its own.</summary>
    public void WriteJsonLine<T>(T document) =>
        Console.Out.WriteLine(JsonText.OfLine(Advice.In(JsonText.NodeOf(document))));

    public void Fail(MigratorException failure)
    {
        var message = Advice.In(failure.Message);
        if (JsonLog)
            new JsonProgress(Console.Error, Clock).Warn(message);
        else
        {
            // The terminal folds the line by itself; a fold of ours would be pasted along with a command.
            Error.Markup("[red]✗[/] ");
            Console.Error.WriteLine(message);
        }
        if (Verbose && failure.InnerException is { } cause)
            Console.Error.WriteLine(cause);
        if (Json && !failure.IsInDocument)
            WriteJson(new ErrorDocument(message, (int)failure.Code, CommandsIn(message)));
    }

    /// <summary>The commands that sentences recommend: they quote them.</summary>
    public static IReadOnlyList<string> CommandsIn(params IEnumerable<string> sentences) =>
        [
            .. sentences
                .SelectMany(sentence => Commands().Matches(sentence))
                .Select(match => match.Groups[1].Value)
                .Distinct(),
        ];

    [GeneratedRegex("""'(migrator (?:"[^"]*"|[^'"])+)'""")]
    private static partial Regex Commands();

    static IAnsiConsole Create(TextWriter writer)
    {
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(writer) });
        // A pipe has no width; tables are not to be folded for it.
        if (!console.Profile.Out.IsTerminal)
            console.Profile.Width = 160;
        return console;
    }
}
