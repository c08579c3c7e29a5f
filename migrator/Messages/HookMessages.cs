using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What is said of hooks: of their settings, and of what they do not take.</summary>
static class HookMessages
{
    public static string NameNeeded(string place) =>
        $"{place}: a hook needs a \"name\", a text of at most 40 characters, by which messages call it.";

    public static string NameTwice(string place, string name) =>
        $"{place}: a second hook has the name '{name}'. Give each a name of its own.";

    public static string EventsNeeded(string place) =>
        $"{place}: a hook needs \"on\", a list of events: {string.Join(", ", HookEvent.All)}.";

    public static string EventUnknown(string place, string? text) =>
        $"{place}: there is no event {(text is null ? "of this type" : $"'{text}'")}. Events: {string.Join(", ", HookEvent.All)}.";

    public static string TargetNeeded(string place) =>
        $"{place}: a hook has either \"run\", a list with a program and its arguments, or \"url\" with \"secret\".";

    public static string ProgramUnreadable(string place) =>
        $"{place}: \"run\" must be a list of texts, the program and then its arguments: [\"/opt/hooks/tell\", \"--channel\", \"ops\"].";

    public static string UrlUnreadable(string place) =>
        $"{place}: \"url\" must be an https URL without a user or password; http is for this machine only (localhost).";

    public static string SecretNeeded(string place) =>
        $"{place}: a hook with \"url\" needs \"secret\", the name of the environment variable whose value signs what is posted.";

    public static string SecretOfAProgram(string place) =>
        $"{place}: \"secret\" signs what is posted to a \"url\", and this hook runs a program. Leave \"secret\" out.";

    public static string TimeUnreadable(string place, TimeSpan longest) =>
        $"{place}: a time must be a text as in \"500ms\", \"10s\" or \"2m\", "
        + (longest < TimeSpan.FromHours(1) ? $"at most {longest.TotalSeconds:0} s." : "at most a day.");

    public static string ProgramMissing(string hook, string program) =>
        $"Hook '{hook}' cannot run: there is no program {program}. Write its whole path in tenancy.json, or install it.";

    public static string NotExecutable(string hook, string program) =>
        $"Hook '{hook}' cannot run: {program} is not executable. Make it so: chmod +x {program}.";

    public static string VariableMissing(string hook, string variable) =>
        $"Hook '{hook}' cannot sign what it posts: the environment variable {variable} is not set. Set it to the secret that "
        + "the receiver knows.";

    public static MigratorException Unusable(IReadOnlyList<string> faults) =>
        MigratorException.Usage(
            $"Hooks of tenancy.json cannot be used:\n{string.Join("\n", faults.Select(fault => $"  • {fault}"))}\n"
                + "Nothing was changed. Correct this, or take the hooks out of tenancy.json, and run the same command again."
        );

    public static string TimedOut(TimeSpan limit) =>
        $"it did not end within {limit.TotalSeconds:0.#} s and was stopped";

    /// <param name="why">What the system says.</param>
    public static string NotStarted(string program, string why) =>
        $"{program} did not start: {Wording.OneLine(why)} (a script names its interpreter in its first line, as #!/bin/sh, "
        + "with a line end of Unix)";

    public static string Exited(int code, string said) => $"it ended with exit code {code}{Said(said)}";

    public static string Unreachable(string why) => $"nobody answers: {Wording.OneLine(why)}";

    public static string Answered(int status, string said) => $"the answer was {status}{Said(said)}";

    public static string VariableNotSet(string variable) => $"the environment variable {variable} is not set";

    public static MigratorException Vetoed(Slug slug, string hook, string why) =>
        new(
            ExitCode.Failed,
            $"Hook '{hook}' does not allow the cutover of '{slug}': {Wording.Foreign(why)}. The cutover was not begun, and "
                + $"'{slug}' keeps working in the shared database. {Again(slug)}"
        );

    public static MigratorException NoAnswer(Slug slug, string hook, string why) =>
        new(
            ExitCode.Failed,
            $"Hook '{hook}' could not be asked whether '{slug}' may be cut over: {Wording.Foreign(why)}. The cutover was not "
                + $"begun, and '{slug}' keeps working in the shared database. {Again(slug)}"
        );

    static string Again(Slug slug) => $"'migrator status --tenant-slug={slug}' shows what makes sense now.";

    public static string NotDelivered(Slug slug, string hook, string name, string why, bool givenUp) =>
        $"Hook '{hook}' has not taken '{name}': {Wording.Foreign(why)}. "
        + (
            givenUp
                ? $"It is not tried again by itself. 'migrator hooks --tenant-slug={slug}' does so."
                : $"It is tried again, also by the next command for '{slug}'. 'migrator hooks --tenant-slug={slug}' does so now."
        );

    /// <param name="why">Null where it was not tried.</param>
    public static string Outstanding(Slug slug, string hook, IReadOnlyList<string> events, string? why) =>
        $"Hook '{Wording.Foreign(hook)}' has not taken {string.Join(", ", events)}"
        + (why is null ? "" : $": {Wording.Foreign(why)}")
        + $". 'migrator hooks --tenant-slug={slug}' tries again.";

    public static MigratorException LeftOver(Slug slug, int count) =>
        new(
            ExitCode.Failed,
            $"{count} {(count == 1 ? "message is" : "messages are")} not delivered. Mend the hook, or write a hook of that "
                + $"name into tenancy.json again, and run 'migrator hooks --tenant-slug={slug}' once more."
        )
        {
            IsInDocument = true,
        };

    public static string NothingTold(Slug slug) =>
        $"No hook was told anything of '{slug}'. docs/hooks.md describes the key \"hooks\" of tenancy.json.";

    // What a program prints may be anything.
    static string Said(string said) => said.Length == 0 ? "" : $": {Wording.OneLine(said)}";
}
