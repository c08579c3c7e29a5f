using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Commands;

/// <summary>Files that a command writes all together, and over nothing that is there unless it may.</summary>
sealed class NewFiles(bool mayReplace)
{
    /// <exception cref="MigratorException">One is there.</exception>
    public void Require(IReadOnlyList<string> files)
    {
        var there = files.Where(File.Exists).ToArray();
        if (there.Length > 0 && !mayReplace)
            throw InitMessages.FilesThere(there);
    }

    /// <exception cref="MigratorException">One cannot be written: then none is.</exception>
    public void Write(IReadOnlyList<(string File, string Text)> files)
    {
        var written = new List<(string From, string To)>();
        foreach (var (file, text) in files)
            Try(
                file,
                () =>
                {
                    var whole = Path.GetFullPath(file);
                    var part = Path.Combine(Path.GetDirectoryName(whole)!, $".{Path.GetFileName(whole)}.tmp");
                    written.Add((part, whole));
                    File.WriteAllText(part, text);
                },
                written
            );
        // What somebody has put there meanwhile stays.
        foreach (var (part, file) in written)
            Try(file, () => File.Move(part, file, mayReplace), written);
    }

    static void Try(string file, Action write, List<(string From, string To)> written)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            foreach (var (part, _) in written.Where(one => File.Exists(one.From)))
                File.Delete(part);
            throw InitMessages.NotWritten(file, e.Message);
        }
    }
}
