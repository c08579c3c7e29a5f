using CliWrap;
using CliWrap.Buffered;

namespace Migrator.Tests.Support;

/// <summary>A real browser, without a window and without a network; a test that needs one is skipped where there is none.</summary>
static class Browser
{
    static readonly string[] Programs = ["chromium", "chromium-browser", "google-chrome"];

    /// <summary>The page as the browser has understood it, after it was loaded.</summary>
    public static Task<string> ReadAsync(string file) => RunAsync(file, "--dump-dom");

    /// <summary>The page's text as it stands on paper.</summary>
    public static async Task<string> PrintAsync(string file)
    {
        var paper = Path.ChangeExtension(file, ".pdf");
        await RunAsync(file, "--no-pdf-header-footer", $"--print-to-pdf={paper}");
        var text = Find("pdftotext");
        Assert.SkipWhen(text is null, "pdftotext is not installed (poppler-utils).");
        return (await Cli.Wrap(text!).WithArguments(["-layout", paper, "-"]).ExecuteBufferedAsync()).StandardOutput;
    }

    static async Task<string> RunAsync(string file, params string[] what)
    {
        var program = Programs.Select(Find).FirstOrDefault(found => found is not null);
        Assert.SkipWhen(program is null, "No Chromium is installed.");
        var profile = Directory.CreateTempSubdirectory("migrator-browser-");
        try
        {
            var shown = await Cli.Wrap(program!)
                .WithArguments([
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--host-resolver-rules=MAP * ~NOTFOUND",
                    $"--user-data-dir={profile.FullName}",
                    .. what,
                    new Uri(file).AbsoluteUri,
                ])
                .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
            return shown.StandardOutput;
        }
        finally
        {
            profile.Delete(recursive: true);
        }
    }

    static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
}
