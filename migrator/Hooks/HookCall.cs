using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;

namespace Migrator.Hooks;

/// <summary>Calls a hook, whatever it is.</summary>
public static class HookCall
{
    /// <returns>What the hook says; never an exception but that of the token.</returns>
    public static Task<HookAnswer> RunAsync(Hook hook, HookMessage message, CancellationToken cancellationToken) =>
        hook.Url is null
            ? HookProgram.RunAsync(hook, message, cancellationToken)
            : HookPost.PostAsync(hook, message, cancellationToken);

    /// <summary>Hooks that cannot be called from here: a sentence each.</summary>
    public static IReadOnlyList<string> Faults(IReadOnlyList<Hook> hooks) =>
        [.. hooks.Select(FaultOf).OfType<string>()];

    /// <exception cref="MigratorException">Some cannot be called.</exception>
    public static void RequireUsable(IReadOnlyList<Hook> hooks)
    {
        if (Faults(hooks) is { Count: > 0 } faults)
            throw HookMessages.Unusable(faults);
    }

    static string? FaultOf(Hook hook)
    {
        if (hook.Secret is { } variable)
            return Environment.GetEnvironmentVariable(variable) is { Length: > 0 }
                ? null
                : HookMessages.VariableMissing(hook.Name, variable);
        var program = hook.Run[0];
        if (Candidates(program).FirstOrDefault(File.Exists) is not { } file)
            return HookMessages.ProgramMissing(hook.Name, program);
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return OperatingSystem.IsWindows() || (File.GetUnixFileMode(file) & execute) != 0
            ? null
            : HookMessages.NotExecutable(hook.Name, program);
    }

    static IEnumerable<string> Candidates(string program) =>
        program.Contains('/')
            ? [program]
            : (Environment.GetEnvironmentVariable("PATH") ?? "")
                .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                .Select(folder => Path.Combine(folder, program));
}
