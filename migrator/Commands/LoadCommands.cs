using System.CommandLine;
using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Terminal;
using Npgsql;

namespace Migrator.Commands;

/// <summary>Tells the run that is at work how much it may load the shared server, and waits until the run obeys.</summary>
abstract class LoadCommand(string name, string description) : TenantCommand(name, description)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>Null leaves it as it is.</summary>
    protected abstract bool? Pauses { get; }

    /// <summary>Null leaves a limit as it is.</summary>
    protected virtual (long? MaxRate, long? MaxReplicaLag, int? MaxActiveSessions) LimitsOf(ParseResult parsed) =>
        default;

    protected override async Task RunAsync(
        ParseResult parsed,
        ConsoleOutput terminal,
        MigratorSettings settings,
        Databases databases,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        // Nobody is asked: what hurts other tenants is to end at once, and no row changes.
        await terminal.ConfirmAsync(true, Name, slug, () => Task.FromResult(""), cancellationToken);
        await using (var shared = await databases.Shared.OpenConnectionAsync(cancellationToken))
        {
            var promotion = await FindAsync(shared, settings, slug, cancellationToken);
            var said =
                await GovernorJournal.ChangeAsync(
                    shared,
                    promotion,
                    CommonOptions.User,
                    Pauses,
                    LimitsOf(parsed),
                    cancellationToken
                ) ?? throw GovernorMessages.NoRun(slug, Name);
            await UntilObeyedAsync(shared, promotion, said, terminal.Clock, slug, cancellationToken);
        }
        await StatusCommand.ShowAsync(terminal, settings, databases, slug, cancellationToken);
    }

    /// <exception cref="MigratorException">There is nobody to tell, or it would hurt the tenant.</exception>
    async Task<long> FindAsync(
        NpgsqlConnection shared,
        MigratorSettings settings,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        await WriteAccess.RequireAsync(shared, cancellationToken);
        var tenant = await TenantLookup.FindAsync(shared, settings.Tenancy, slug, cancellationToken);
        var record = await JournalReader.FindAsync(shared, tenant.Key, cancellationToken);
        if (
            record is not { EndedAt: null }
            || await ActiveRun.FindAsync(shared, tenant.Key, cancellationToken) is null
            || !await OwnSchema.HasAsync(shared, "governor", cancellationToken)
        )
            throw GovernorMessages.NoRun(slug, Name);
        var writesWait =
            record.Stage == PromotionStage.BeforeCutover
                ? !record.IsOnline
                : record.Stage == PromotionStage.RollingBack && record.Phase(PhaseName.CloseIsolatedGuard) is not null;
        return Pauses == true && writesWait ? throw GovernorMessages.WritesWait(slug) : record.Id;
    }

    async Task UntilObeyedAsync(
        NpgsqlConnection shared,
        long promotion,
        DateTime said,
        TimeProvider clock,
        Slug slug,
        CancellationToken cancellationToken
    )
    {
        var began = clock.GetTimestamp();
        while (!await GovernorJournal.IsObeyedAsync(shared, promotion, said, cancellationToken))
        {
            if (clock.GetElapsedTime(began) > Patience)
                throw GovernorMessages.NoAnswer(slug, Name);
            await Task.Delay(Poll, clock, cancellationToken);
        }
    }
}

/// <summary>Lets the run at work stand still.</summary>
sealed class PauseCommand() : LoadCommand("pause", "Let the run at work stand still until 'resume'.")
{
    protected override bool? Pauses => true;
}

/// <summary>Lets a paused run go on.</summary>
sealed class ResumeCommand() : LoadCommand("resume", "Let a run go on that 'pause' has stopped.")
{
    protected override bool? Pauses => false;
}

/// <summary>Changes the limits of the run at work.</summary>
sealed class TuneCommand : LoadCommand
{
    readonly Option<long?> maxRate;
    readonly Option<long?> maxReplicaLag;
    readonly Option<int> maxActiveSessions;

    public TuneCommand()
        : base("tune", "Change the limits of the run at work; 0 takes a limit away.")
    {
        maxRate = Add(CommonOptions.Size("--max-rate", "What the copy may take a second, as in 20MB."));
        maxReplicaLag = Add(
            CommonOptions.Size("--max-replica-lag", "The run waits while a standby is further behind, as in 100MB.")
        );
        maxActiveSessions = Add(
            LoadChoices.ActiveSessions(
                "The run waits while more sessions of others run statements on the shared server."
            )
        );
        Validators.Add(result =>
        {
            if (!Limits.Any(option => result.GetResult(option) is not null))
                result.AddError(GovernorMessages.NothingToTune);
        });
    }

    Option[] Limits => [maxRate, maxReplicaLag, maxActiveSessions];

    protected override bool? Pauses => null;

    protected override (long? MaxRate, long? MaxReplicaLag, int? MaxActiveSessions) LimitsOf(ParseResult parsed) =>
        (
            parsed.GetValue(maxRate),
            parsed.GetValue(maxReplicaLag),
            parsed.GetResult(maxActiveSessions) is null ? null : parsed.GetValue(maxActiveSessions)
        );
}
