using Migrator.Connections;
using Migrator.Model;
using Npgsql;

namespace Migrator.Journal;

/// <summary>
/// What hooks are to be told. A message is written with what happened, in one commit, and stays until its hook has taken
/// it: at least once, whatever ends the process.
/// </summary>
public static class OutboxJournal
{
    const string Columns = """
        id AS "Id", promotion_id AS "Promotion", tenant_key AS "TenantKey", tenant_slug AS "TenantSlug", hook AS "Hook",
        event AS "Event", key AS "Key", happened_at AS "HappenedAt", payload::text AS "Payload", attempts AS "Attempts",
        delivered_at AS "DeliveredAt", given_up_at AS "GivenUpAt", failure AS "Failure"
        """;

    /// <summary>Notes what happened, for each of the hooks.</summary>
    /// <param name="reason">Why: the failure, or what a phase waits for.</param>
    /// <param name="lease">How long nobody else is to deliver it.</param>
    /// <returns>The messages.</returns>
    public static Task<IReadOnlyList<OutboxRecord>> AddAsync(
        NpgsqlConnection connection,
        long promotion,
        string happened,
        IReadOnlyList<string> hooks,
        string? reason,
        CancellationToken cancellationToken,
        TimeSpan lease = default
    ) =>
        hooks.Count == 0
            ? Task.FromResult<IReadOnlyList<OutboxRecord>>([])
            : connection.QueryAsync<OutboxRecord>(
                $"""
                INSERT INTO tenant_promotion.outbox
                    (promotion_id, tenant_key, tenant_slug, hook, event, key, happened_at, next_at, payload)
                SELECT p.id, p.tenant_key, p.tenant_slug, h.name, @happened, h.key, h.at, h.at + @lease,
                       jsonb_build_object(
                           'version', 1, 'id', h.key, 'event', CAST(@happened AS text),
                           'at', to_char(h.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                           'tenant', jsonb_build_object('slug', p.tenant_slug, 'id', p.tenant_key),
                           'promotion', p.id, 'mode', p.mode, 'state', p.state,
                           'rehearsal', coalesce((
                               SELECT (facts ->> 'IsRehearsal')::boolean FROM tenant_promotion.phase
                               WHERE promotion_id = p.id AND name = @preflight), false),
                           'target', p.target, 'pause_ms', p.pause_ms, 'reason', CAST(@reason AS text))
                FROM tenant_promotion.promotion p,
                     (SELECT name, gen_random_uuid() AS key, clock_timestamp() AS at FROM unnest(@hooks) name) h
                WHERE p.id = @promotion
                RETURNING {Columns}
                """,
                new
                {
                    promotion,
                    happened,
                    hooks = hooks.ToArray(),
                    reason,
                    lease,
                    preflight = PhaseName.Preflight,
                },
                cancellationToken
            );

    /// <summary>What these hooks have not taken yet and is due, the oldest of each hook; it is nobody else's for so long.</summary>
    public static async Task<IReadOnlyList<OutboxRecord>> ClaimAsync(
        NpgsqlConnection connection,
        string slug,
        IReadOnlyList<string> hooks,
        TimeSpan lease,
        CancellationToken cancellationToken
    )
    {
        var due = await connection.QueryAsync<long>(
            """
            SELECT min(id) FROM tenant_promotion.outbox
            WHERE tenant_slug = @slug AND hook = ANY (@hooks) AND delivered_at IS NULL AND given_up_at IS NULL
              AND next_at <= clock_timestamp()
            GROUP BY hook
            """,
            new { slug, hooks = hooks.ToArray() },
            cancellationToken
        );
        if (due.Count == 0)
            return [];
        // Whoever comes second sees that it is not due any more.
        return await connection.QueryAsync<OutboxRecord>(
            $"""
            UPDATE tenant_promotion.outbox SET attempts = attempts + 1, next_at = clock_timestamp() + @lease
            WHERE id = ANY (@due) AND delivered_at IS NULL AND given_up_at IS NULL AND next_at <= clock_timestamp()
            RETURNING {Columns}
            """,
            new { due = due.ToArray(), lease },
            cancellationToken
        );
    }

    public static Task DeliveredAsync(NpgsqlConnection connection, long id, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            "UPDATE tenant_promotion.outbox SET delivered_at = clock_timestamp(), failure = NULL WHERE id = @id",
            new { id },
            cancellationToken
        );

    /// <param name="again">When it is tried again; null for never.</param>
    public static Task FailedAsync(
        NpgsqlConnection connection,
        long id,
        string failure,
        TimeSpan? again,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            """
            UPDATE tenant_promotion.outbox
            SET failure = @failure, next_at = clock_timestamp() + coalesce(@again, interval '0'),
                given_up_at = CASE WHEN CAST(@again AS interval) IS NULL THEN clock_timestamp() END
            WHERE id = @id AND delivered_at IS NULL
            """,
            new
            {
                id,
                failure,
                again,
            },
            cancellationToken
        );

    /// <summary>All that a tenant's hooks have not taken is due now.</summary>
    /// <param name="givenUp">Also what was given up.</param>
    public static Task HurryAsync(
        NpgsqlConnection connection,
        string slug,
        bool givenUp,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteAsync(
            """
            UPDATE tenant_promotion.outbox
            SET next_at = clock_timestamp(), given_up_at = NULL,
                attempts = CASE WHEN given_up_at IS NULL THEN attempts ELSE 0 END
            WHERE tenant_slug = @slug AND delivered_at IS NULL AND event <> @Question
              AND (@givenUp OR given_up_at IS NULL)
            """,
            new
            {
                slug,
                givenUp,
                Question = HookEvent.BeforeCutover,
            },
            cancellationToken
        );

    /// <summary>What a tenant's hooks were told since its newest promotion began, and what they have not taken of earlier ones.</summary>
    public static async Task<IReadOnlyList<OutboxRecord>> OfTenantAsync(
        NpgsqlConnection connection,
        string tenantKey,
        CancellationToken cancellationToken
    ) =>
        // A journal of an earlier version has no table of that name.
        await OwnSchema.HasAsync(connection, "outbox", cancellationToken)
            ? await connection.QueryAsync<OutboxRecord>(
                $"""
                SELECT {Columns} FROM tenant_promotion.outbox
                WHERE tenant_key = @tenantKey
                  AND (delivered_at IS NULL AND event <> @Question OR promotion_id = (
                      SELECT max(id) FROM tenant_promotion.promotion WHERE tenant_key = @tenantKey))
                ORDER BY id
                """,
                new { tenantKey, Question = HookEvent.BeforeCutover },
                cancellationToken
            )
            : [];
}
