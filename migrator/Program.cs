using System.CommandLine;
using Migrator.Commands;
using Migrator.Model;

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
{
    var verb = parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ";
    if (verb == "" && args.FirstOrDefault(word => !word.StartsWith('-')) is { } word)
        await Console.Error.WriteLineAsync($"✗ There is no command '{word}'.");
    else
        foreach (var error in parsed.Errors)
            await Console.Error.WriteLineAsync("✗ " + error.Message);
    await Console.Error.WriteLineAsync($"  'migrator {verb}--help' shows the commands and options.");
    return (int)ExitCode.Usage;
}
return await parsed.InvokeAsync(
    new InvocationConfiguration
    {
        ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
        EnableDefaultExceptionHandler = false,
    }
);
