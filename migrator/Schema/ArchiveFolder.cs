using System.Diagnostics;
using System.Globalization;

namespace Migrator.Schema;

/// <summary>The temporary folder of a run's schema archive. A run that was killed leaves its folder to the next one.</summary>
static class ArchiveFolder
{
    const string Prefix = "migrator-schema-";

    // Another container may use the same folder, and its processes have numbers of their own.
    static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    public static string Create()
    {
        foreach (var left in Directory.GetDirectories(Path.GetTempPath(), Prefix + "*").Where(IsAbandoned))
            try
            {
                Directory.Delete(left, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another user's, or another run removes it at the same time.
            }
        return Directory.CreateTempSubdirectory($"{Prefix}{Environment.ProcessId}-").FullName;
    }

    static bool IsAbandoned(string folder) =>
        DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > Abandoned
        && int.TryParse(
            Path.GetFileName(folder)[Prefix.Length..].Split('-')[0],
            CultureInfo.InvariantCulture,
            out var process
        )
        && !IsAlive(process);

    static bool IsAlive(int process)
    {
        try
        {
            Process.GetProcessById(process).Dispose();
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
