using Migrator.Connections;
using Migrator.Console;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;

namespace Migrator.Leftovers;

/// <summary>Removes what serves nobody, under its tenant's lock: never against a run.</summary>
public sealed class Cure(MigratorSettings settings, Doctor doctor)
{
    /// <returns>Null when it is gone; otherwise why it is not.</returns>
    public async Task<string?> RemoveAsync(Leftover leftover, CancellationToken cancellationToken)
    {
        try
        {
            if (leftover.Owner is not { Tenant: var tenant })
            {
                await DropAsync(leftover, cancellationToken);
                return null;
            }

            await using var databases = Databases.For(settings, tenant.Slug);
            await using var journal = await PromotionJournal.LockAsync(databases, tenant.Key, cancellationToken);
            using var until = CancellationTokenSource.CreateLinkedTokenSource(journal.Lost, cancellationToken);
            if (leftover.Serves!(await journal.CurrentAsync(tenant.Key, until.Token)))
                return Sentences.ServesSomebodyNow;
            if (leftover.Kind == LeftoverKind.Guard)
                await RemoveGuardAsync(databases, tenant, until.Token);
            else
                await DropAsync(leftover, until.Token);
            return null;
        }
        catch (Exception e) when (Promotion.Translate(e, cancellationToken) is { } failure)
        {
            return failure.Message;
        }
    }

    async Task RemoveGuardAsync(Databases databases, Tenant tenant, CancellationToken cancellationToken)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var scope = TenantScope.Classify(await Catalog.ReadAsync(shared, cancellationToken), settings.Tenancy);
        await new WriteGuard(databases.Shared, scope, tenant).RemoveAsync(cancellationToken);
    }

    async Task DropAsync(Leftover leftover, CancellationToken cancellationToken)
    {
        await using var connection = await Databases.OpenAsync(doctor.At(leftover.Place), cancellationToken);
        if (leftover.Kind == LeftoverKind.Slot)
            await ReplicationSlot.DropAsync(connection, leftover.Name, cancellationToken);
        else
            await ReplicationSlot.UnpublishAsync(connection, leftover.Name, cancellationToken);
    }
}
