using Migrator.Connections;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Reporting;

/// <summary>The part of <c>status</c> that is about the change stream: its slot, and what is wrong with it.</summary>
/// <param name="Section">The slot's figures; null when there is no slot.</param>
public sealed record StreamReport(StreamSection? Section, IReadOnlyList<string> Warnings)
{
    /// <summary>So much WAL kept for one slot is worth a word.</summary>
    const long MuchWal = 1_000_000_000;

    static readonly TimeSpan LongUnderWay = TimeSpan.FromDays(1);

    public static async Task<StreamReport> ReadAsync(
        Databases databases,
        NpgsqlConnection shared,
        Tenant tenant,
        PromotionRecord? record,
        CancellationToken cancellationToken
    )
    {
        var warnings = new List<string>();
        var forward = await SideAsync(shared, StreamNames.Forward(shared.Database, tenant), cancellationToken);
        var reverse = await IsolatedSideAsync(
            databases,
            StreamNames.Reverse(shared.Database, tenant),
            record,
            warnings,
            cancellationToken
        );

        var age = await AgeAsync(shared, record, cancellationToken);
        if (
            record is { EndedAt: null }
            && (!record.IsFlipped || record.State == PromotionState.RollingBack)
            && age > LongUnderWay.TotalSeconds
        )
            warnings.Add(StreamMessages.LongUnderWay(tenant.Slug, TimeSpan.FromSeconds(age.Value)));
        warnings.AddRange(WarningsOf(forward, tenant.Slug, record));
        warnings.AddRange(WarningsOf(reverse, tenant.Slug, record));
        // After the flip the way home is what matters; the other one is about to be removed.
        var shown = record?.IsFlipped == true ? reverse.Slot ?? forward.Slot : forward.Slot ?? reverse.Slot;
        return new(shown is null ? null : StreamSection.Of(shown, age), warnings);
    }

    // By the server's clock, which the journal has its times from.
    static async Task<double?> AgeAsync(
        NpgsqlConnection shared,
        PromotionRecord? record,
        CancellationToken cancellationToken
    ) =>
        record is null
            ? null
            : await shared.ExecuteScalarAsync<double?>(
                "SELECT extract(epoch FROM clock_timestamp() - @StartedAt)::float8",
                new { record.StartedAt },
                cancellationToken
            );

    static IEnumerable<string> WarningsOf(Side side, Slug slug, PromotionRecord? record)
    {
        if (side.Slot is { IsInvalid: true } lost)
            yield return StreamMessages.SlotInvalid(
                slug,
                lost.Name,
                lost.Database,
                lost.WalStatus == "lost",
                lost.WalHeldBytes,
                record?.IsFlipped == true
            );
        else if (side.Slot is { WalHeldBytes: > MuchWal } slot)
            yield return StreamMessages.MuchWalHeld(slot.Name, slot.Database, slot.WalHeldBytes);
        if (record is { EndedAt: null })
            yield break;
        if (side.Slot is { } orphan)
            yield return StreamMessages.SlotLeftBehind(orphan.Name, orphan.Database, orphan.WalHeldBytes);
        if (side.Publication is { } publication)
            yield return StreamMessages.PublicationLeftBehind(publication);
    }

    /// <summary>The slot in the shared database; null when there is none.</summary>
    public static Task<SlotStatus?> ForwardSlotAsync(
        NpgsqlConnection shared,
        Tenant tenant,
        CancellationToken cancellationToken
    ) => SlotStatus.ReadAsync(shared, StreamNames.Forward(shared.Database, tenant), cancellationToken);

    static async Task<Side> SideAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken) =>
        new(
            await SlotStatus.ReadAsync(connection, name, cancellationToken),
            await connection.ExecuteScalarAsync<string?>(
                "SELECT pubname::text FROM pg_publication WHERE pubname = @name",
                new { name },
                cancellationToken
            )
        );

    // Only an online promotion streams from there. A server that is gone is no reason not to tell the rest.
    static async Task<Side> IsolatedSideAsync(
        Databases databases,
        string name,
        PromotionRecord? record,
        List<string> warnings,
        CancellationToken cancellationToken
    )
    {
        if (
            record is not { Mode: PromotionOptions.Online }
            || record.Target.Host != databases.IsolatedServer.Host
            || record.Target.Port != databases.IsolatedServer.Port
        )
            return new(null, null);
        try
        {
            await using var isolated = await databases.Isolated.OpenConnectionAsync(cancellationToken);
            return await SideAsync(isolated, name, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            // A slot does not outlive its database.
            return new(null, null);
        }
        catch (NpgsqlException e)
        {
            if (record is { IsFlipped: true, EndedAt: null })
                warnings.Add(StreamMessages.SlotNotSeen(record.Target, e));
            return new(null, null);
        }
    }

    readonly record struct Side(SlotStatus? Slot, string? Publication);
}
