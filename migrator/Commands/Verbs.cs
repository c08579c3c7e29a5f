using System.CommandLine;

namespace Migrator.Commands;

/// <summary>The program's verbs.</summary>
static class Verbs
{
    public static RootCommand Create()
    {
        var root = new RootCommand(
            "Moves one tenant of a shared PostgreSQL database into a database of its own, and back."
        )
        {
            new PromoteCommand(),
            new CutoverCommand(),
            new StatusCommand(),
            new TuneCommand(),
            new PauseCommand(),
            new ResumeCommand(),
            new ListCommand(),
            new VerifyCommand(),
            new RollbackCommand(),
            new FinalizeCommand(),
            new ForgetCommand(),
            new RoutesCommand(),
            new HooksCommand(),
            new DoctorCommand(),
            new InitCommand(),
            new CheckCommand(),
            new ScopeCommand(),
            new PrivilegesCommand(),
            new UninstallCommand(),
            new ResolveTenantCommand(),
            new DemoCommand(),
            new CompletionCommand(),
        };
        Help.Install(root);
        return root;
    }
}
