using System.ComponentModel;
using System.Runtime.CompilerServices;
using CliWrap;
using CliWrap.Buffered;

namespace Migrator.Tests.Samples;

/// <summary>A sample with what it needs, ready to run; a test without it is skipped, and says why.</summary>
static class SampleFolder
{
    /// <summary>Copies a sample and a script that uses it, and installs the sample's packages there.</summary>
    public static async Task<string> PrepareAsync(string sample, string script, [CallerFilePath] string caller = "")
    {
        var scripts = Path.GetDirectoryName(caller)!;
        var root = Path.GetFullPath("../../..", scripts);
        var folder = Path.Combine(root, "artifacts", "samples", sample);
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(root, "docs", "sample", sample)))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        File.Copy(Path.Combine(scripts, script), Path.Combine(folder, script), overwrite: true);
        if (sample == "node")
            await NeedAsync(folder, "npm", "ci", "--no-audit", "--no-fund");
        else
            await NeedAsync(folder, "/usr/bin/python3", "-c", "import psycopg");
        return folder;
    }

    static async Task NeedAsync(string folder, string program, params string[] arguments)
    {
        var why = "";
        try
        {
            var result = await Cli.Wrap(program)
                .WithArguments(arguments)
                .WithWorkingDirectory(folder)
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync();
            if (!result.IsSuccess)
                why = result.StandardError;
        }
        catch (Win32Exception e)
        {
            why = e.Message;
        }
        Assert.SkipWhen(why.Length > 0, $"'{program} {string.Join(' ', arguments)}' failed: {why}");
    }
}
