using System.CommandLine;
using Migrator.Commands;

var root = Verbs.Create();
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
    return UsageErrors.Write(parsed, root, Console.Error);

// Docker and Cloud Run send SIGTERM, a user presses Ctrl-C. Both leave the tenant in a state where it can work,
// which takes a moment.
return await parsed.InvokeAsync(
    new InvocationConfiguration
    {
        ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
        EnableDefaultExceptionHandler = false,
    }
);
