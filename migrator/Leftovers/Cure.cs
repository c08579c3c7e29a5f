using Dapper;
using Migrator.Connections;
using Migrator.Console;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Leftovers;

/// <summary>Removes what serves nobody, under its tenant's lock: never against a run.</summary>
public sealed class Cure(MigratorSettings settings, Doctor doctor)
{
    const int Attempts = 50;
    static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(100);

    /// <returns>Null when it is gone; otherwise why it is not.</returns>
    public async Task<string?> RemoveAsync(Leftover leftover, CancellationToken cancel)
    {
        try
        {
            if (leftover.Owner is not { Tenant: var tenant })
            {
                await DropAsync(leftover, cancel);
                return null;
            }

            await using var databases = Databases.For(settings, tenant.Slug);
            await using var journal = await PromotionJournal.LockAsync(databases, tenant.Key, cancel);
            using var until = CancellationTokenSource.CreateLinkedTokenSource(journal.Lost, cancel);
            if (leftover.Serves!(await journal.CurrentAsync(tenant.Key, until.Token))) return Sentences.ServesSomebodyNow;
            if (leftover.Kind == LeftoverKind.Guard) await RemoveGuardAsync(databases, tenant, until.Token);
            else await DropAsync(leftover, until.Token);
            return null;
        }
        catch (Exception e) when (Promotion.Translate(e, cancel) is { } failure)
        {
            return failure.Message;
        }
    }

    async Task RemoveGuardAsync(Databases databases, Tenant tenant, CancellationToken cancel)
    {
        await using var shared = await databases.Shared.OpenConnectionAsync(cancel);
        var scope = TenantScope.Classify(await Catalog.ReadAsync(shared, cancel), settings.Tenancy);
        await new WriteGuard(databases.Shared, scope, tenant).RemoveAsync(cancel);
    }

    async Task DropAsync(Leftover leftover, CancellationToken cancel)
    {
        await using var connection = await Databases.OpenAsync(doctor.At(leftover.Place), cancel);
        if (leftover.Kind == LeftoverKind.Slot) await DropSlotAsync(connection, leftover.Name, cancel);
        else await connection.ExecuteAsync(new CommandDefinition($"SET lock_timeout = '5s'; DROP PUBLICATION IF EXISTS {Sql.Identifier(leftover.Name)}", cancellationToken: cancel));
    }

    // Whoever streams from it ends first, and may need a moment for that.
    static async Task DropSlotAsync(NpgsqlConnection connection, string name, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
            try
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = @name AND active_pid IS NOT NULL", new { name }, cancellationToken: cancel));
                await connection.ExecuteAsync(new CommandDefinition("SELECT pg_drop_replication_slot(@name)", new { name }, cancellationToken: cancel));
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ObjectInUse && attempt < Attempts)
            {
                await Task.Delay(BetweenAttempts, cancel);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedObject)
            {
                return;
            }
    }
}
