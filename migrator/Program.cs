using Migrator.Commands;
using Migrator.Terminal;

var root = Verbs.Create();
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
    return UsageErrors.Write(parsed, root, Console.Error);

using var signals = new StopSignals();
return await parsed.InvokeAsync(
    new() { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false },
    signals.Token
);
