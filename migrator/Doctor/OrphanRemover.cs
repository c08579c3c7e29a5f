using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;

namespace Migrator.Doctor;

/// <summary>Removes an orphaned object under its tenant's lock, so never during a run.</summary>
public sealed class OrphanRemover(MigratorSettings settings, OrphanFinder finder, TimeProvider clock)
{
    /// <returns>Null when the object is removed; otherwise the reason why not.</returns>
    public async Task<string?> RemoveAsync(OrphanedObject orphan, CancellationToken cancellationToken)
    {
        try
        {
            if (orphan.Owner is not { Tenant: var tenant })
            {
                await DropAsync(orphan, cancellationToken);
                return null;
            }

            await using var databases = Databases.For(settings, tenant.Slug);
            await using var journal = await PromotionJournal.LockAsync(databases, tenant.Key, clock, cancellationToken);
            using var until = CancellationTokenSource.CreateLinkedTokenSource(journal.Lost, cancellationToken);
            if (orphan.Serves!(await journal.CurrentAsync(tenant.Key, until.Token)))
                return DoctorMessages.InUseNow;
            if (orphan.Kind == OrphanedObjectKind.Guard)
                await RemoveGuardAsync(databases, tenant, until.Token);
            else
                await DropAsync(orphan, until.Token);
            return null;
        }
        catch (Exception e) when (ServerFailure.From(e, cancellationToken) is { } failure)
        {
            return failure.Message;
        }
    }

    async Task RemoveGuardAsync(Databases databases, Tenant tenant, CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var scope = TenantScope.Classify(await Catalog.ReadAsync(shared, cancellationToken), settings.Tenancy);
        await new WriteGuard(databases.Shared, scope, tenant, clock).RemoveAsync(cancellationToken);
    }

    async Task DropAsync(OrphanedObject orphan, CancellationToken cancellationToken)
    {
        var server = orphan.Kind == OrphanedObjectKind.Slot ? finder.SlotsAt(orphan.Place) : finder.At(orphan.Place);
        await using var connection = await Databases.OpenAsync(server, cancellationToken);
        await WriteAccess.RequireAsync(connection, cancellationToken);
        if (orphan.Kind == OrphanedObjectKind.Slot)
            await ReplicationSlot.DropAsync(connection, orphan.Name, clock, cancellationToken);
        else
            await ReplicationSlot.UnpublishAsync(connection, orphan.Name, clock, cancellationToken);
    }
}
