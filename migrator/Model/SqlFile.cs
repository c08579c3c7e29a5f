namespace Migrator.Model;

/// <summary>
/// The .sql files beside their only user; they are embedded in the program. What two of them have in common is a file that
/// both include with <c>\ir</c>, as psql does.
/// </summary>
public static class SqlFile
{
    const string Include = @"\ir ";

    public static string Read(string name) =>
        string.Join(
            '\n',
            Text(name)
                .Split('\n')
                .Select(line =>
                    line.StartsWith(Include, StringComparison.Ordinal) ? Read(line[Include.Length..]) : line
                )
        );

    static string Text(string name)
    {
        using var stream =
            typeof(SqlFile).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not an embedded resource.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
