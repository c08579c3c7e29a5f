using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Doctor;

/// <summary>Removes everything of ours from the shared database: triggers, functions, the journal and its schema.</summary>
/// <param name="force">Also if tenants have moved for good, whose rows the database then takes again.</param>
public sealed class Uninstaller(MigratorSettings settings, bool force, TimeProvider clock)
{
    static readonly TableName Promotions = new("tenant_promotion", "promotion");

    /// <summary>The tenants who have moved for good.</summary>
    /// <exception cref="MigratorException">Something keeps everything of ours where it is.</exception>
    public async Task<IReadOnlyList<string>> CheckAsync(CancellationToken cancellationToken)
    {
        await using var shared = await Databases.OpenSharedAsync(settings, cancellationToken);
        await WriteAccess.RequireAsync(shared, cancellationToken);
        return await IsInstalledAsync(shared, cancellationToken)
            ? await RequireFreeAsync(shared, cancellationToken)
            : [];
    }

    /// <exception cref="MigratorException">Something keeps everything of ours where it is.</exception>
    public async Task<Leftovers> RunAsync(CancellationToken cancellationToken)
    {
        await using var turn = await Databases.OpenSharedAsync(settings, cancellationToken);
        await using var shared = await Databases.OpenSharedAsync(settings, cancellationToken);
        var isolated = (await JournalReader.NewestAsync(shared, cancellationToken))
            .Where(record => record.Stage == PromotionStage.Finalized)
            .Select(record => DoctorMessages.IsolatedStays(record.TenantSlug, record.Target))
            .ToArray();
        if (await IsInstalledAsync(shared, cancellationToken))
            await TableLock.RunAsync(
                turn,
                Promotions,
                token => DropAsync(turn, shared, token),
                clock,
                cancellationToken
            );
        return new(await StreamsAsync(shared, cancellationToken), isolated);
    }

    // An isolated database has the schema too, and no journal of promotions.
    static async Task<bool> IsInstalledAsync(NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        if (await OwnSchema.HasAsync(shared, Promotions.Name, cancellationToken))
            return true;
        return await OwnSchema.HasAsync(shared, "owner", cancellationToken)
            ? throw DoctorMessages.NotTheShared(shared.Database)
            : false;
    }

    // No promotion begins and nobody raises the fence meanwhile: both wait for these locks. The triggers go one by one, for
    // a transaction over all of them would keep every table locked until its end.
    async Task<int> DropAsync(NpgsqlConnection turn, NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        await turn.ExecuteAsync(
            """
            SET LOCAL idle_in_transaction_session_timeout = 0;
            LOCK TABLE tenant_promotion.promotion IN SHARE ROW EXCLUSIVE MODE;
            LOCK TABLE tenant_promotion.guard IN SHARE UPDATE EXCLUSIVE MODE
            """,
            cancellationToken
        );
        await RequireFreeAsync(turn, cancellationToken);
        foreach (var (table, drop) in await OwnTriggers.DropsAsync(shared, WriteGuard.TriggerPrefix, cancellationToken))
            await TableLock.RunAsync(
                shared,
                table,
                token => shared.ExecuteAsync(drop, token),
                clock,
                cancellationToken
            );
        var drops = await turn.QueryAsync<string>(
            """
            SELECT 'DROP TABLE ' || string_agg(oid::regclass::text, ', ') FROM pg_class
            WHERE relnamespace = 'tenant_promotion'::regnamespace AND relkind = 'r' HAVING count(*) > 0
            UNION ALL
            SELECT 'DROP SEQUENCE ' || string_agg(oid::regclass::text, ', ') FROM pg_class c
            WHERE relnamespace = 'tenant_promotion'::regnamespace AND relkind = 'S'
              AND NOT EXISTS (SELECT FROM pg_depend d
                              WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i'))
            HAVING count(*) > 0
            UNION ALL
            SELECT 'DROP FUNCTION ' || string_agg(oid::regprocedure::text, ', ') FROM pg_proc
            WHERE pronamespace = 'tenant_promotion'::regnamespace HAVING count(*) > 0
            UNION ALL
            SELECT 'DROP SCHEMA tenant_promotion'
            """,
            cancellationToken
        );
        // Without CASCADE: what others have built on our objects is theirs.
        foreach (var drop in drops)
            await turn.ExecuteAsync(drop, cancellationToken);
        return drops.Count;
    }

    /// <returns>The tenants who have moved for good.</returns>
    async Task<IReadOnlyList<string>> RequireFreeAsync(NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        var underWay = (await JournalReader.NewestAsync(shared, cancellationToken))
            .Where(record => record.EndedAt is null)
            .Select(record => $"{record.TenantSlug} ({record.State})")
            .ToArray();
        if (underWay.Length > 0)
            throw DoctorMessages.PromotionsUnderWay(underWay);
        var moved = await shared.QueryAsync<string>(
            "SELECT tenant_slug FROM tenant_promotion.guard WHERE state = @Moved ORDER BY 1",
            new { GuardState.Moved },
            cancellationToken
        );
        if (moved.Count > 0 && !force)
            throw DoctorMessages.FenceNeeded(moved);
        var hanging = await shared.QueryAsync<string>(
            SqlFile.Read("what-hangs-on-us.sql"),
            new { WriteGuard.TriggerPrefix },
            cancellationToken
        );
        return hanging.Count > 0 ? throw DoctorMessages.HangsOnUs(hanging) : moved;
    }

    static Task<IReadOnlyList<string>> StreamsAsync(NpgsqlConnection shared, CancellationToken cancellationToken) =>
        shared.QueryAsync<string>(
            """
            SELECT 'publication ' || pubname FROM pg_publication WHERE starts_with(pubname, @Prefix)
            UNION ALL
            SELECT 'slot ' || slot_name FROM pg_replication_slots
            WHERE starts_with(slot_name, @Prefix) AND database = current_database()
            ORDER BY 1
            """,
            new { StreamNames.Prefix },
            cancellationToken
        );
}

/// <summary>What is still there of the promotions, one line each.</summary>
/// <param name="Streams">Slots and publications of the shared database.</param>
/// <param name="Isolated">Databases in which tenants live.</param>
public sealed record Leftovers(IReadOnlyList<string> Streams, IReadOnlyList<string> Isolated);
