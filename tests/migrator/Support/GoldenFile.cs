using System.Runtime.CompilerServices;

namespace Migrator.Tests.Support;

/// <summary>
/// A recorded text. <c>UPDATE_GOLDEN=1 dotnet run --project tests/migrator</c> writes it anew; the diff is then read.
/// </summary>
static class GoldenFile
{
    /// <param name="path">The file, in the folder of the test that asks.</param>
    /// <param name="actual">What stands there now.</param>
    /// <param name="caller">Filled in by the compiler.</param>
    public static async Task RequireAsync(string path, string actual, [CallerFilePath] string caller = "")
    {
        var file = Path.Combine(Path.GetDirectoryName(caller)!, path);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, actual);
        }
        Assert.Equal(File.Exists(file) ? await File.ReadAllTextAsync(file) : "", actual);
    }
}
