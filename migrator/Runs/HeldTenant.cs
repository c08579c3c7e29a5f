using Migrator.Journal;
using Migrator.Model;

namespace Migrator.Runs;

/// <summary>A tenant whose lock this process holds: no other run can change the tenant's promotion.</summary>
public sealed class HeldTenant(Tenant tenant, PromotionJournal journal, CancellationToken cancellationToken)
    : IAsyncDisposable
{
    readonly CancellationTokenSource until = CancellationTokenSource.CreateLinkedTokenSource(
        journal.Lost,
        cancellationToken
    );

    public Tenant Tenant => tenant;

    public PromotionJournal Journal => journal;

    /// <summary>Cancelled when the lock is lost, or by the user.</summary>
    public CancellationToken Token => until.Token;

    public async ValueTask DisposeAsync()
    {
        until.Dispose();
        await journal.DisposeAsync();
    }
}
