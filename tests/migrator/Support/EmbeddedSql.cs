namespace Migrator.Tests.Support;

/// <summary>The .sql files beside the tests that use them; they are embedded in the tests.</summary>
static class EmbeddedSql
{
    public static string Read(string name)
    {
        using var stream =
            typeof(EmbeddedSql).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not an embedded resource.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
