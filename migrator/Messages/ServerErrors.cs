using System.Text.RegularExpressions;
using Npgsql;

namespace Migrator.Messages;

/// <summary>
/// A server's error in words: what the server says, the object that the error is about, and the next step. Values of
/// rows stay out: DETAIL and CONTEXT may quote them, and so do the messages about invalid values.
/// </summary>
static partial class ServerErrors
{
    const string Again = "Then run the same command again, or roll back";

    const string SchemaMoved =
        "The schema may have changed meanwhile, or this role may not see the object. "
        + "Compare the schema with the settings. "
        + Again;

    const string BadValue = $"A value does not fit its type. --verbose shows more. Correct the row. {Again}";

    static readonly Dictionary<string, string> Remedies = new()
    {
        [PostgresErrorCodes.UniqueViolation] =
            $"Two rows have the same key; --verbose shows which. Correct one of them. {Again}",
        [PostgresErrorCodes.ExclusionViolation] =
            $"Two rows exclude each other; --verbose shows which. Correct one of them. {Again}",
        [PostgresErrorCodes.ForeignKeyViolation] =
            $"A row refers to a row that is not there; --verbose shows which. Correct either of them. {Again}",
        [PostgresErrorCodes.CheckViolation] =
            $"A row does not satisfy a CHECK constraint; --verbose shows which. Correct the row or the constraint. {Again}",
        [PostgresErrorCodes.NotNullViolation] =
            $"A column that is NOT NULL got no value; --verbose shows the row. Correct the row. {Again}",
        [PostgresErrorCodes.UndefinedTable] = SchemaMoved,
        [PostgresErrorCodes.UndefinedColumn] = SchemaMoved,
        [PostgresErrorCodes.UndefinedFunction] = SchemaMoved,
        [PostgresErrorCodes.UndefinedObject] = SchemaMoved,
        [PostgresErrorCodes.InvalidSchemaName] = SchemaMoved,
        [PostgresErrorCodes.InsufficientPrivilege] =
            $"GRANT the right to the migrator's role (DB_USER, TARGET_DB_USER). {Again}",
        [PostgresErrorCodes.ReadOnlySqlTransaction] =
            "The session is read-only: the server is a standby, default_transaction_read_only is on for the database or "
            + $"the role, or another tenant's write guard is closed. Lift that. {Again}",
        [PostgresErrorCodes.TooManyConnections] =
            $"End sessions, or raise max_connections or the limit of the database or the role. {Again}",
        [PostgresErrorCodes.OutOfMemory] = $"The server lacks memory. Lower --jobs, or work_mem. {Again}",
        [PostgresErrorCodes.StatementTooComplex] = $"Raise max_stack_depth on the server. {Again}",
        [PostgresErrorCodes.LockNotAvailable] =
            "Other sessions hold the lock, and a longer wait would block the application. "
            + "Run the same command again at a quieter time",
        [PostgresErrorCodes.DeadlockDetected] =
            "Other sessions locked the same rows in another order. Run the same command again, at a quieter time if possible",
        [PostgresErrorCodes.QueryCanceled] =
            "Another session or a limit of the server ended the statement. Run the same command again",
        [PostgresErrorCodes.RaiseException] =
            $"A function or a trigger of the application refuses; --verbose shows more. Change it. {Again}",
    };

    /// <summary>The whole sentence: message, object, SQLSTATE and next step.</summary>
    public static string Sentence(PostgresException e) =>
        $"The server refuses a statement{On(e)}: {Text(e)} (SQLSTATE {e.SqlState}). {Remedy(e)}.";

    /// <summary>What the server says, without the values that it quotes.</summary>
    public static string Text(PostgresException e)
    {
        var text = Wording.Foreign(e.MessageText.TrimEnd('.'));
        return e.SqlState.StartsWith("22", StringComparison.Ordinal) ? QuotedValue().Replace(text, "\"…\"") : text;
    }

    /// <summary>The table and what of it the error is about, as in <c>public.users, constraint grown_up</c>; or empty.</summary>
    public static string Object(PostgresException e)
    {
        var where = e.Where ?? "";
        var copied = CopyContext().Match(where);
        var table =
            e.TableName is { } name ? (e.SchemaName is { } schema ? $"{schema}.{name}" : name)
            : copied.Success ? copied.Groups[1].Value
            : RelationContext().Match(where) is { Success: true } relation ? relation.Groups[1].Value
            : null;
        var column = e.ColumnName ?? (copied.Groups[2].Success ? copied.Groups[2].Value : null);
        string?[] parts =
        [
            table,
            e.ConstraintName is { } constraint ? $"constraint {constraint}" : null,
            column is not null ? $"column {column}" : null,
            e.DataTypeName is { } type ? $"type {type}" : null,
            FunctionContext().Match(where) is { Success: true } function
                ? $"function {function.Groups[1].Value}"
                : null,
        ];
        return string.Join(", ", parts.OfType<string>());
    }

    /// <summary>What pg_dump or pg_restore printed, without the lines that quote rows.</summary>
    public static string WithoutRows(IEnumerable<string> lines) =>
        string.Join(
            " ",
            lines.Where(line =>
                !line.StartsWith("DETAIL:", StringComparison.Ordinal)
                && !line.StartsWith("CONTEXT:", StringComparison.Ordinal)
            )
        );

    static string On(PostgresException e) => Object(e) is { Length: > 0 } found ? $" ({found})" : "";

    static string Remedy(PostgresException e) =>
        Remedies.TryGetValue(e.SqlState, out var remedy) ? remedy
        : e.SqlState.StartsWith("22", StringComparison.Ordinal) ? BadValue
        : e.IsTransient ? "Run the same command again"
        : "Fix the cause and run the same command again, or roll back";

    // Not the names of objects, which stand behind the word for their kind.
    [GeneratedRegex("""(?<!(?:column|relation|encoding|type|parameter|constraint|function|domain) )"[^"]*"?""")]
    private static partial Regex QuotedValue();

    [GeneratedRegex("""COPY ([^\s,]+), line \d+(?:, column ([^\s:,]+))?""")]
    private static partial Regex CopyContext();

    [GeneratedRegex("(?:in|of) relation \"([^\"]+)\"")]
    private static partial Regex RelationContext();

    [GeneratedRegex(@"function ([^\s(]+\([^)]*\))")]
    private static partial Regex FunctionContext();
}
