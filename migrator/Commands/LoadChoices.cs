using System.CommandLine;
using Migrator.Model;

namespace Migrator.Commands;

/// <summary>The options of <c>promote</c> that limit what the copy takes from the shared server.</summary>
sealed class LoadChoices
{
    readonly Option<long?> maxRate = CommonOptions.Size(
        "--max-rate",
        "What the copy may take a second, as in 20MB (default: no limit)."
    );

    readonly Option<long?> maxReplicaLag = CommonOptions.Size(
        "--max-replica-lag",
        "The run waits while a standby is further behind, as in 100MB; 0 for never (default 256MB, in mode fenced 0)."
    );

    readonly Option<int> maxActiveSessions = ActiveSessions(
        "The run waits while more sessions of others run statements on the shared server; 0 for never (default)."
    );

    readonly Option<string?> throttleQuery = new("--throttle-query")
    {
        Description =
            "The run waits while this query of the shared database returns anything but 0, false and null. "
            + "It names tables with their schema.",
        HelpName = "SQL",
    };

    readonly Option<long?> maxWal = CommonOptions.Size(
        "--max-wal",
        "Write-ahead log that the shared server may have to keep for the change stream (default 10GB)."
    );

    readonly Option<TimeSpan?> maxSnapshot = CommonOptions.MaxSnapshot();

    public LoadChoices(Command command)
    {
        maxWal.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.Tokens[0].Value == "0")
                result.AddError("--max-wal is a size above 0, as in 10GB.");
        });
        Option[] all = [maxRate, maxReplicaLag, maxActiveSessions, throttleQuery, maxWal, maxSnapshot];
        foreach (var option in all)
            command.Options.Add(option);
    }

    /// <summary>The option <c>--max-active-sessions</c>.</summary>
    public static Option<int> ActiveSessions(string description)
    {
        var option = CommonOptions.Number(
            "--max-active-sessions",
            0,
            int.MaxValue,
            "--max-active-sessions is a number; 0 stands for no limit."
        );
        option.Description = description;
        return option;
    }

    /// <summary>The options with these limits.</summary>
    public PromotionOptions In(ParseResult parsed, PromotionOptions options) =>
        options with
        {
            MaxRate = parsed.GetValue(maxRate) ?? 0,
            MaxReplicaLag = parsed.GetValue(maxReplicaLag),
            MaxActiveSessions = parsed.GetValue(maxActiveSessions),
            ThrottleQuery = parsed.GetValue(throttleQuery),
            MaxWal = parsed.GetValue(maxWal) ?? PromotionOptions.DefaultMaxWal,
            MaxSnapshot = parsed.GetValue(maxSnapshot) ?? PromotionOptions.DefaultMaxSnapshot,
        };
}
