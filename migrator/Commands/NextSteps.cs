using Migrator.Reporting;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>The commands that make sense now, at the end of what a person reads.</summary>
static class NextSteps
{
    public static void Write(IAnsiConsole console, StatusDocument status)
    {
        foreach (var step in status.NextSteps)
            console.MarkupLineInterpolated($"Next: {step}");
    }
}
