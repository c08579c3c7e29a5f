using System.ComponentModel;
using System.Diagnostics;

namespace Infra.Tests.Support;

/// <summary>Runs a program of the repository's tools as a workflow would.</summary>
static class Tool
{
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string program,
        IEnumerable<string> arguments,
        string? folder = null,
        string input = "",
        params (string Name, string Value)[] environment
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder ?? StackFiles.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        using var process = Start(start, program);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    /// <summary>A script in the place of a program that a workflow calls, for whoever has the folder in their PATH.</summary>
    public static async Task FakeAsync(string folder, string program, string script)
    {
        var path = Path.Combine(folder, program);
        await File.WriteAllTextAsync(path, $"#!/usr/bin/env bash\n{script}\n", TestContext.Current.CancellationToken);
        await RunAsync("chmod", ["+x", path]);
    }

    static Process Start(ProcessStartInfo start, string program)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{program} is not installed.");
            throw;
        }
    }
}
