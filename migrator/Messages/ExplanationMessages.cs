namespace Migrator.Messages;

/// <summary>What is known of rows that differ, and what is not.</summary>
static class ExplanationMessages
{
    public const string ValuesOfWhat = "--show-values shows the values of rows that --explain names. Say both.";

    /// <param name="side">Which database.</param>
    /// <param name="isSince">Null where nothing was recorded.</param>
    public static string Written(string side, string transaction, DateTime? at, bool? isSince) =>
        $"{side}: written by transaction {transaction}"
        + (at is { } time ? $", committed {time.ToUniversalTime():yyyy-MM-dd HH:mm:ss}Z" : "")
        + isSince switch
        {
            true => ", after the flip, past the write guard",
            false => ", before the flip",
            null => "",
        };

    public static string Triggers(IEnumerable<string> names) =>
        $"triggers of the isolated table, which may have written as well: {string.Join(", ", names.Select(Wording.Foreign))}";

    public static string Value(string column, string? shared, string? isolated) =>
        $"{Wording.Foreign(column)}: shared {Wording.Foreign(shared ?? "NULL")}, isolated {Wording.Foreign(isolated ?? "NULL")}";

    /// <summary>What no look at the databases can tell.</summary>
    public static IReadOnlyList<string> NotKnown(bool hasTimes) =>
        [
            "Which role, session or program wrote a row: no server keeps that. log_statement = 'mod' or pgaudit write it "
                + "into the server's log.",
            "Who deleted a row, and when: nothing of it is left. A row that is on one side only was written there or deleted "
                + "on the other.",
            "Which change of the stream brought a row: the isolated database keeps one position for all rows.",
            .. hasTimes
                ? (string[])[]
                : ["When a transaction ended: a server notes that with track_commit_timestamp = on, from then on."],
        ];
}
