using System.Text.Json;
using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>Reads the journal; needs no lock.</summary>
public static class JournalReader
{
    /// <summary>The tenant's newest promotion, under way or ended; null if there was none. Needs no lock.</summary>
    public static async Task<PromotionRecord?> FindAsync(
        NpgsqlConnection connection,
        string tenantKey,
        CancellationToken cancellationToken
    ) =>
        (
            await ListAsync(
                connection,
                "WHERE tenant_key = @tenantKey ORDER BY id DESC LIMIT 1",
                new { tenantKey },
                cancellationToken
            )
        ).FirstOrDefault();

    /// <summary>The newest promotion of every tenant that ever had one.</summary>
    public static Task<IReadOnlyList<PromotionRecord>> NewestAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    ) =>
        ListAsync(
            connection,
            "WHERE id IN (SELECT max(id) FROM tenant_promotion.promotion GROUP BY tenant_key) ORDER BY tenant_slug",
            null,
            cancellationToken
        );

    static async Task<IReadOnlyList<PromotionRecord>> ListAsync(
        NpgsqlConnection connection,
        string which,
        object? parameters,
        CancellationToken cancellationToken
    )
    {
        if (!await OwnSchema.HasAsync(connection, "digest", cancellationToken))
            return [];
        var rows = await connection.QueryAsync<Row>(
            $"""
            SELECT id AS "Id", tenant_key AS "TenantKey", tenant_slug AS "TenantSlug",
                   mode AS "Mode", state AS "State", target::text AS "Target", run AS "Run",
                   started_at AS "StartedAt", ended_at AS "EndedAt", pause_ms AS "PauseMs", error AS "Error"
            FROM tenant_promotion.promotion {which}
            """,
            parameters,
            cancellationToken
        );
        var records = new List<PromotionRecord>();
        foreach (var row in rows)
            records.Add(row.With(await PhasesAsync(connection, row.Id, cancellationToken)));
        return records;
    }

    /// <summary>The tenant's newest rehearsal; null if there was none.</summary>
    public static async Task<RehearsalFacts?> RehearsalAsync(
        NpgsqlConnection connection,
        string tenantKey,
        CancellationToken cancellationToken
    ) =>
        await connection.ExecuteScalarAsync<string?>(
            """
            SELECT f.facts ->> 'Rehearsal'
            FROM tenant_promotion.phase f JOIN tenant_promotion.promotion p ON p.id = f.promotion_id
            WHERE p.tenant_key = @tenantKey AND f.name = @Preflight AND f.facts ->> 'Rehearsal' IS NOT NULL
            ORDER BY p.id DESC LIMIT 1
            """,
            new { tenantKey, PhaseName.Preflight },
            cancellationToken
        )
            is { } facts
            ? JsonSerializer.Deserialize<RehearsalFacts>(facts)
            : null;

    static async Task<PhaseRecord[]> PhasesAsync(
        NpgsqlConnection connection,
        long promotion,
        CancellationToken cancellationToken
    )
    {
        var phases = await connection.QueryAsync<PhaseRow>(
            """
            SELECT name AS "Name", started_at AS "StartedAt", ended_at AS "EndedAt", facts::text AS "Facts"
            FROM tenant_promotion.phase WHERE promotion_id = @promotion ORDER BY started_at
            """,
            new { promotion },
            cancellationToken
        );
        return [.. phases.Select(phase => phase.Record)];
    }

    /// <summary>The digests that Verify recorded, by table name.</summary>
    public static async Task<IReadOnlyDictionary<string, Digest>> DigestsAsync(
        NpgsqlConnection connection,
        long promotion,
        CancellationToken cancellationToken
    ) =>
        (
            await connection.QueryAsync<(string Table, long Rows, string Sum)>(
                "SELECT table_name, rows, sum::text FROM tenant_promotion.digest WHERE promotion_id = @promotion",
                new { promotion },
                cancellationToken
            )
        ).ToDictionary(row => row.Table, row => new Digest(row.Rows, row.Sum));

    /// <summary>The digests with what is needed to compute them again, by table name.</summary>
    public static async Task<IReadOnlyDictionary<string, RecordedTable>> RecordedAsync(
        NpgsqlConnection connection,
        long promotion,
        CancellationToken cancellationToken
    ) =>
        (
            await connection.QueryAsync<(string Table, long Rows, string Sum, string? Detail)>(
                // A journal of an earlier version has no column of that name.
                """
                SELECT table_name, rows, sum::text, to_jsonb(d) ->> 'detail'
                FROM tenant_promotion.digest d WHERE promotion_id = @promotion
                """,
                new { promotion },
                cancellationToken
            )
        ).ToDictionary(
            row => row.Table,
            row => new RecordedTable(
                new(row.Rows, row.Sum),
                row.Detail is null ? null : JsonSerializer.Deserialize<RecordedDetail>(row.Detail)
            )
        );

    sealed class Row
    {
        public long Id { get; init; }
        public string TenantKey { get; init; } = "";
        public string TenantSlug { get; init; } = "";
        public string Mode { get; init; } = "";
        public string State { get; init; } = "";
        public string Target { get; init; } = "";
        public long Run { get; init; }
        public DateTime StartedAt { get; init; }
        public DateTime? EndedAt { get; init; }
        public double? PauseMs { get; init; }
        public string? Error { get; init; }

        public PromotionRecord With(IReadOnlyList<PhaseRecord> phases) =>
            new(
                Id,
                TenantKey,
                TenantSlug,
                Mode,
                State,
                JsonSerializer.Deserialize<Target>(Target)!,
                Run,
                StartedAt,
                EndedAt,
                PauseMs,
                Error,
                phases
            );
    }

    sealed class PhaseRow
    {
        public string Name { get; init; } = "";
        public DateTime StartedAt { get; init; }
        public DateTime? EndedAt { get; init; }
        public string Facts { get; init; } = "";

        public PhaseRecord Record => new(Name, StartedAt, EndedAt, JsonSerializer.Deserialize<JsonElement>(Facts));
    }
}
