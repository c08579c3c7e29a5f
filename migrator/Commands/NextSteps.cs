using Migrator.Reporting;
using Migrator.Terminal;

namespace Migrator.Commands;

/// <summary>The commands that make sense now, at the end of what a person reads.</summary>
static class NextSteps
{
    // Plain lines: they are to be pasted, and a console would fold them.
    public static void Write(ConsoleOutput terminal, StatusDocument status)
    {
        foreach (var step in status.NextSteps)
            Console.Out.WriteLine(terminal.Advice.In($"Next: {step}"));
    }
}
