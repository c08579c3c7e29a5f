using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Commands;

/// <summary>The options of <c>promote</c> about holding before the cutover; each of them means that it holds.</summary>
sealed class HoldChoices
{
    static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK"];

    readonly Option<bool> hold = new("--hold")
    {
        Description = "Copy and verify, then hold before the pause until 'migrator cutover' lets the promotion go.",
    };

    readonly Option<DateTimeOffset?> at = new("--cutover-at")
    {
        Description = "Hold until this time, then cut over, as in 2026-12-01T03:00+01:00.",
        CustomParser = ParseTime,
    };

    readonly Option<CutoverWindow?> window = new("--cutover-window")
    {
        Description = "Hold, and cut over in these hours, as in \"Sat,Sun 02:00-04:00 Europe/Berlin\".",
        CustomParser = ParseWindow,
    };

    readonly Option<TimeSpan?> length = new("--hold-for")
    {
        Description = "Hold for at most this long, as in 8h.",
        CustomParser = ParseLength,
    };

    readonly Option<string?> expires = new("--hold-expires")
    {
        Description = "What happens then: the change stream is given up (default), or the tenant is cut over.",
    };

    readonly Option<bool> detach = new("--detach")
    {
        Description = "Hold without a process: the slot keeps the changes until 'migrator cutover' catches up.",
    };

    public HoldChoices(Command command)
    {
        expires.AcceptOnlyFromAmong(HoldOptions.Release, HoldOptions.Cutover);
        foreach (var option in (Option[])[hold, at, window, length, expires, detach])
            command.Options.Add(option);
    }

    /// <summary>Null where nothing was said of holding.</summary>
    public HoldOptions? Of(ParseResult parsed)
    {
        var asked = new HoldOptions(
            parsed.GetValue(at),
            parsed.GetValue(window),
            parsed.GetValue(length),
            parsed.GetValue(expires) ?? HoldOptions.Release,
            parsed.GetValue(detach)
        );
        return parsed.GetValue(hold) || asked != new HoldOptions() ? asked : null;
    }

    /// <summary>Whether anything was said of holding.</summary>
    public bool IsSaid(CommandResult result) =>
        ((Option[])[hold, at, window, length, expires, detach]).Any(option =>
            result.GetResult(option) is { Implicit: false }
        );

    /// <summary>Which options do not go together.</summary>
    public void Validate(CommandResult result, Option<string> mode, Option<bool> finalize)
    {
        DateTimeOffset? time;
        CutoverWindow? hours;
        TimeSpan? limit;
        try
        {
            (time, hours, limit) = (result.GetValue(at), result.GetValue(window), result.GetValue(length));
        }
        catch (InvalidOperationException)
        {
            // An option that cannot be read says so itself.
            return;
        }
        var (mayDetach, says) = (result.GetValue(detach), result.GetValue(expires));
        if (time is not null && hours is not null)
            result.AddError(HoldMessages.TimeAndWindow);
        if (says is not null && limit is null)
            result.AddError(HoldMessages.ExpiresNothing);
        if (mayDetach && (time is not null || hours is not null || limit is not null))
            result.AddError(HoldMessages.DetachedAtATime);
        if (mayDetach && result.GetValue(finalize))
            result.AddError(HoldMessages.DetachedAndFinalized);
        var holds = result.GetValue(hold) || mayDetach || time is not null || hours is not null || limit is not null;
        if (holds && result.GetValue(mode) == PromotionOptions.Fenced)
            result.AddError(HoldMessages.NeedsOnline);
        var now = TimeProvider.System.GetUtcNow();
        if (limit is { } most && says != HoldOptions.Cutover && (time ?? hours?.NextOpening(now)) is { } opening)
            if (opening > now + most)
                result.AddError(HoldMessages.NeverOpens(opening, most));
    }

    static DateTimeOffset? ParseTime(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        // Without an offset it would be the time of this machine's place.
        var hasOffset =
            text.EndsWith('Z') || text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal);
        if (
            !hasOffset
            || !DateTimeOffset.TryParseExact(
                text,
                Formats,
                CultureInfo.InvariantCulture,
                DateTimeStyles.None,
                out var time
            )
        )
            argument.AddError(HoldMessages.TimeUnreadable(text));
        else if (time < TimeProvider.System.GetUtcNow())
            argument.AddError(HoldMessages.TimePassed(time));
        else
            return time;
        return null;
    }

    static CutoverWindow? ParseWindow(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (!CutoverWindow.TryParse(text, out var window, out var fault))
            argument.AddError(HoldMessages.WindowUnreadable(text, fault));
        return window;
    }

    static TimeSpan? ParseLength(ArgumentResult argument)
    {
        if (Duration.TryParse(argument.Tokens[0].Value, Longest, out var length))
            return length;
        argument.AddError(HoldMessages.DurationUnreadable(argument.Tokens[0].Value));
        return null;
    }
}
