using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Settings;

namespace Migrator.Hooks;

/// <summary>
/// Asks the hooks of <see cref="HookEvent.BeforeCutover"/>, while nothing of the tenant waits. Without a yes of each the
/// cutover does not begin.
/// </summary>
public static class CutoverQuestion
{
    const int Attempts = 3;

    static readonly TimeSpan Breath = TimeSpan.FromSeconds(1);

    /// <exception cref="MigratorException">One says no, or does not answer.</exception>
    public static async Task AskAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var asked = run.Tenancy.Hooks.Where(hook => hook.On.Contains(HookEvent.BeforeCutover)).ToArray();
        if (asked.Length == 0)
            return;
        var messages = await run.Journal.TransactAsync(
            transaction =>
                OutboxJournal.AddAsync(
                    transaction.Connection,
                    run.Id,
                    HookEvent.BeforeCutover,
                    [.. asked.Select(hook => hook.Name)],
                    null,
                    cancellationToken,
                    // Only this process asks, and only now: nobody else delivers the question.
                    lease: TimeSpan.FromDays(36_500)
                ),
            cancellationToken
        );
        var answers = await Task.WhenAll(
            asked.Select(hook =>
                AskAsync(hook, messages.Single(one => one.Hook == hook.Name), run.Clock, cancellationToken)
            )
        );
        await run.Journal.TransactAsync(
            async transaction =>
            {
                foreach (var (hook, answer) in asked.Zip(answers))
                    await NoteAsync(transaction, messages.Single(one => one.Hook == hook.Name), answer);
            },
            cancellationToken
        );
        foreach (var (hook, answer) in asked.Zip(answers).Where(one => !one.Second.IsTaken))
            throw answer.IsRefused
                ? HookMessages.Vetoed(run.Tenant.Slug, hook.Name, answer.Why!)
                : HookMessages.NoAnswer(run.Tenant.Slug, hook.Name, answer.Why!);
    }

    static Task NoteAsync(JournalTransaction transaction, OutboxRecord message, HookAnswer answer) =>
        answer.IsTaken
            ? OutboxJournal.DeliveredAsync(transaction.Connection, message.Id, transaction.Cancel)
            : OutboxJournal.FailedAsync(transaction.Connection, message.Id, answer.Why!, null, transaction.Cancel);

    static async Task<HookAnswer> AskAsync(
        Hook hook,
        OutboxRecord message,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = await HookCall.RunAsync(hook, HookMessage.Of(message), cancellationToken);
            if (answer.IsTaken || answer.IsRefused || attempt == Attempts)
                return answer;
            await Task.Delay(Breath, clock, cancellationToken);
        }
    }
}
