using System.CommandLine;
using Migrator.Model;

namespace Migrator.Commands;

/// <summary>Options that several verbs have, and kinds of option that one verb has several of.</summary>
static class CommonOptions
{
    /// <summary>Who runs this program, as the journal and reports name a person.</summary>
    public static string User => $"{Environment.UserName} on {Environment.MachineName}";

    public static Option<bool> Confirm() => new("--confirm") { Description = "Do it without asking." };

    /// <summary>Workers side by side; two, or the machine's processors when there are more.</summary>
    public static Option<int> Jobs()
    {
        var option = Number("--jobs", 1, 32, "--jobs is a number from 1 to 32.");
        option.Description = "Workers that copy, build and compare side by side.";
        option.DefaultValueFactory = _ => Math.Clamp(Environment.ProcessorCount, 2, 8);
        return option;
    }

    /// <summary>How long the tenant's writes may have to wait; see <see cref="PauseOf"/>.</summary>
    public static Option<TimeSpan?> MaxPause() =>
        new("--max-pause")
        {
            Description =
                "How long the tenant's writes may have to wait at the cutover before they go on where they are, "
                + "as in 500ms, 5s or 2m (default 5s; fenced: 30s until the guard is closed).",
            CustomParser = argument =>
            {
                if (Duration.TryParse(argument.Tokens[0].Value, out var pause))
                    return pause;
                argument.AddError($"'{argument.Tokens[0].Value}' is not a duration. Write it as 30s, 500ms or 2m.");
                return default;
            },
        };

    /// <summary>The option <c>--max-snapshot</c>.</summary>
    public static Option<TimeSpan?> MaxSnapshot() =>
        new("--max-snapshot")
        {
            Description =
                "How long the comparison may hold a snapshot of the shared server, which keeps VACUUM from removing dead "
                + "rows there, as in 30s or 5m (default 5m).",
            CustomParser = argument =>
            {
                if (Duration.TryParse(argument.Tokens[0].Value, out var longest) && longest >= TimeSpan.FromSeconds(1))
                    return longest;
                argument.AddError(
                    $"'{argument.Tokens[0].Value}' is no duration of a second to an hour. Write it as 30s or 5m."
                );
                return default;
            },
        };

    /// <summary>Whether a write that meets the pause waits for its end, or fails.</summary>
    public static Option<string> DuringPause()
    {
        var option = new Option<string>("--during-pause")
        {
            Description =
                "Whether the tenant's writes wait while they are paused, or fail at once (refuse) with SQLSTATE 25006.",
            DefaultValueFactory = _ => Wait,
        };
        option.AcceptOnlyFromAmong(Wait, Refuse);
        return option;
    }

    /// <summary>How many sessions may wait for the end of a pause.</summary>
    public static Option<int> MaxWaiting()
    {
        var option = Number("--max-waiting", 0, int.MaxValue, "--max-waiting is a number; 0 stands for no limit.");
        option.Description =
            "Let the tenant's writes go on, and try again, when more sessions wait in a pause; 0 for never (default).";
        return option;
    }

    public const string Wait = "wait";
    public const string Refuse = "refuse";

    /// <summary>What was asked for, or what fits the mode.</summary>
    public static TimeSpan PauseOf(TimeSpan? asked, string mode) =>
        asked ?? TimeSpan.FromSeconds(mode == PromotionOptions.Online ? 5 : 30);

    /// <summary>A size in bytes, written with a unit.</summary>
    public static Option<long?> Size(string name, string description) =>
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

    /// <param name="error">What is said of anything else.</param>
    public static Option<int> Number(string name, int least, int most, string error)
    {
        var option = new Option<int>(name);
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 0)
                return;
            if (!int.TryParse(result.Tokens[0].Value, out var number) || number < least || number > most)
                result.AddError(error);
        });
        return option;
    }
}
