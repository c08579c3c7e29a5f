using System.Text.RegularExpressions;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Progress;
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

    public Task ShowProgressAsync(Func<IPromotionProgress, Task> work) =>
        ProgressDisplay.RunAsync(Error, JsonLog, Console.Error, Clock, work);

    /// <summary>Asks on a terminal; in a pipe there is nobody to ask.</summary>
    /// <exception cref="MigratorException"><see cref="ExitCode.Usage"/> when nobody says yes.</exception>
    public void RequireConfirmation(bool confirmed, string verb, Slug? slug, string question)
    {
        if (Environment.GetEnvironmentVariable(DryRunOnly) is { Length: > 0 })
            throw UsageMessages.DryRunOnly(verb, DryRunOnly);
        if (confirmed)
            return;
        if (Console.IsInputRedirected || !Error.Profile.Out.IsTerminal)
            throw new MigratorException(ExitCode.Usage, UsageMessages.ConfirmationNeeded(verb, slug));
        if (!Error.Prompt(new ConfirmationPrompt(Markup.Escape(question)) { DefaultValue = false }))
            throw new MigratorException(ExitCode.Usage, UsageMessages.NotConfirmed(verb));
    }

    /// <summary>The one JSON document of a command.</summary>
    public static void WriteJson<T>(T document) => Console.Out.WriteLine(JsonText.OfDocument(document));

    public void Fail(MigratorException failure)
    {
        if (JsonLog)
            new JsonProgress(Console.Error, Clock).Warn(failure.Message);
        else if (Error.Profile.Out.IsTerminal)
            Error.MarkupLineInterpolated($"[red]✗[/] {failure.Message}");
        else
            Console.Error.WriteLine("✗ " + failure.Message);
        if (Verbose && failure.InnerException is { } cause)
            Console.Error.WriteLine(cause);
        if (Json)
            WriteJson(new ErrorDocument(failure.Message, (int)failure.Code, CommandsIn(failure.Message)));
    }

    /// <summary>The commands that sentences recommend: they quote them.</summary>
    public static IReadOnlyList<string> CommandsIn(params IEnumerable<string> sentences) =>
        [
            .. sentences
                .SelectMany(sentence => Commands().Matches(sentence))
                .Select(match => match.Groups[1].Value)
                .Distinct(),
        ];

    [GeneratedRegex("'(migrator [^']+)'")]
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
