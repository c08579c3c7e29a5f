using System.CommandLine;
using Migrator.Commands;

// Docker and Cloud Run send SIGTERM, a user presses Ctrl-C. Both leave the tenant in a state where it can work,
// which takes a moment.
var root = new RootCommand("Moves one tenant of a shared PostgreSQL database into a database of its own, and back.")
{
    new PromoteCommand(),
    new StatusCommand(),
    new ListCommand(),
    new VerifyCommand(),
    new RollbackCommand(),
    new FinalizeCommand(),
    new RoutesCommand(),
    new DoctorCommand(),
    new ResolveTenantCommand(),
    new DemoCommand(),
};
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
    return UsageErrors.Write(parsed, Console.Error);
return await parsed.InvokeAsync(
    new InvocationConfiguration
    {
        ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
        EnableDefaultExceptionHandler = false,
    }
);
