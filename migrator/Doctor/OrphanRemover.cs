using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Doctor;

/// <summary>Removes an orphaned object, or mends triggers, under the tenant's lock, so never during a run.</summary>
public sealed class OrphanRemover(MigratorSettings settings, OrphanFinder finder, TimeProvider clock)
{
    /// <returns>Null when the object is removed; otherwise the reason why not.</returns>
    public async Task<string?> RemoveAsync(OrphanedObject orphan, CancellationToken cancellationToken)
    {
        try
        {
            if (orphan.Kind == OrphanedObjectKind.Fence)
            {
                await MendFenceAsync(cancellationToken);
                return null;
            }
            if (orphan.Owner is not { Tenant: var tenant })
            {
                await DropAsync(orphan, cancellationToken);
                return null;
            }

            await using var databases = Databases.For(settings, tenant.Slug);
            await using var journal = await PromotionJournal.LockAsync(databases, tenant.Key, clock, cancellationToken);
            using var until = CancellationTokenSource.CreateLinkedTokenSource(journal.Lost, cancellationToken);
            var promotion = await journal.CurrentAsync(tenant.Key, until.Token);
            if (orphan.IsMended ? !ExpectedObjects.NeedsTriggers(promotion) : orphan.Serves!(promotion))
                return DoctorMessages.InUseNow;
            if (orphan.IsMended)
                await (await GuardAsync(databases, tenant, until.Token)).RestoreAsync(until.Token);
            else if (orphan.Kind == OrphanedObjectKind.Guard)
                await (await GuardAsync(databases, tenant, until.Token)).RemoveAsync(until.Token);
            else
                await DropAsync(orphan, until.Token);
            return null;
        }
        catch (Exception e) when (ServerFailure.From(e, cancellationToken) is { } failure)
        {
            return failure.Message;
        }
    }

    async Task<WriteGuard> GuardAsync(Databases databases, Tenant tenant, CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var scope = (await TenantScope.ReadAsync(shared, settings.Tenancy, cancellationToken)).WithoutStrangers();
        return new(databases.Shared, scope, tenant, clock);
    }

    async Task MendFenceAsync(CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(settings.Source);
        await using var shared = await database.OpenConnectionAsync(cancellationToken);
        await WriteAccess.RequireAsync(shared, cancellationToken);
        var scope = (await TenantScope.ReadAsync(shared, settings.Tenancy, cancellationToken)).WithoutStrangers();
        await new Fence(database, scope, clock).MendAsync(cancellationToken);
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
