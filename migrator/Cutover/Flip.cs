using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Routing;
using Migrator.Runs;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Streaming;
using Npgsql;
using NpgsqlTypes;

namespace Migrator.Cutover;

/// <summary>
/// The steps of the flip, in either mode. The flip itself is one commit in the shared database; every step that
/// can fail comes before.
/// </summary>
public static class Flip
{
    /// <summary>
    /// The steps after the flip: marks the isolated database as live, from which on it accepts the tenant's writes, and
    /// writes the routing file. Also called by the next run, if a run was killed before these steps.
    /// </summary>
    public static async Task PublishAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await RequireFlippedAsync(run, cancellationToken);
        await using (var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken))
        {
            await run.Isolated.SetLiveAsync(isolated, true, cancellationToken);
            await ArrivalGuard.RemoveAsync(isolated, cancellationToken);
        }
        await run.Routing.WriteAsync(
            run.Tenant.Slug,
            RoutingDocument.For(run.Tenant.Slug, Tenant.IsolatedMode, run.Target, run.Tenancy.Domain),
            cancellationToken
        );
        await KeylessRows.ValidateKeysAsync(run, cancellationToken);
    }

    // Over a new connection: after a failover it leads to the server that the applications see, which may not know the
    // flip.
    static async Task RequireFlippedAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = Databases.Attended(run.Databases.SharedServer);
        await shared.OpenAsync(cancellationToken);
        if (await JournalReader.FindAsync(shared, run.Tenant.Key, cancellationToken) is not { IsFlipped: true })
            throw PromotionMessages.FlipLost(run.Tenant.Slug);
    }

    /// <summary>
    /// Before the pause: the shared schema is the one that the copy is of, in everything that pg_dump shows.
    /// </summary>
    public static async Task RequireSameDumpAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        var isSame = await run.IsSchemaRecordedAsync(cancellationToken);
        await RequireSameSchemaAsync(run, cancellationToken);
        if (!isSame)
            throw PromotionMessages.SchemaMoved("pg_dump shows another schema");
    }

    /// <summary>The same by the catalog alone, which takes no longer than a moment.</summary>
    /// <exception cref="SchemaMovedException">The schema has changed, or rows were written anew that have to be compared.</exception>
    public static async Task RequireSameSchemaAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var changes = await SchemaRecord.ChangesAsync(shared, run.Id, cancellationToken);
        var verdict = await SchemaVerdict.OfAsync(shared, run.Tenancy, changes, cancellationToken);
        if (!verdict.IsHarmless || verdict.Rewritten.Count > 0)
            throw PromotionMessages.SchemaMoved($"{verdict}");
    }

    /// <summary>The value of <c>settings.isolation</c>, the same on both sides.</summary>
    public static async Task<System.Text.Json.Nodes.JsonObject> IsolationAsync(
        PromotionRun run,
        CancellationToken cancellationToken
    ) =>
        TenantRow.Isolation(
            run.Tenant.Slug,
            run.Clock.GetUtcNow(),
            await MigrationVersionAsync(run, cancellationToken)
        );

    static async Task<string> MigrationVersionAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        if (run.Tenancy.MigrationVersion is { } chosen)
            return chosen;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        return await MigrationHistory.LatestAsync(shared, run.Scope, cancellationToken) ?? "001";
    }

    /// <summary>T first: no client is routed to T before S says so.</summary>
    /// <param name="before">More to do in the same transaction.</param>
    public static async Task IsolatedAsync(
        PromotionRun run,
        System.Text.Json.Nodes.JsonObject isolation,
        IReadOnlyList<string> roles,
        Func<NpgsqlConnection, Task>? before,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await MarkAsync(run, connection, isolation, roles, before, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>The same, and back.</summary>
    public static async Task RehearseIsolatedAsync(
        PromotionRun run,
        System.Text.Json.Nodes.JsonObject isolation,
        IReadOnlyList<string> roles,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await MarkAsync(
            run,
            connection,
            isolation,
            roles,
            isolated => ConstraintDeferral.ResumeAsync(isolated, cancellationToken),
            cancellationToken
        );
        await transaction.RollbackAsync(cancellationToken);
    }

    static async Task MarkAsync(
        PromotionRun run,
        NpgsqlConnection connection,
        System.Text.Json.Nodes.JsonObject isolation,
        IReadOnlyList<string> roles,
        Func<NpgsqlConnection, Task>? before,
        CancellationToken cancellationToken
    )
    {
        await run.Isolated.RequireCurrentRunAsync(connection, cancellationToken);
        if (before is not null)
            await before(connection);
        var journal = new JournalTransaction(connection, cancellationToken);
        await TenantRow.FlipAsync(journal, run.Tenancy, run.Scope, run.Tenant, Tenant.IsolatedMode, isolation);
        foreach (var role in roles)
            await journal.ExecuteAsync(
                $"GRANT CONNECT, TEMPORARY ON DATABASE {Sql.Identifier(run.Tenant.Slug.DatabaseName)} "
                    + $"TO {Sql.Identifier(role)}"
            );
        await GiveToOwnerAsync(run, connection, cancellationToken);
    }

    // What comes with the ownership of a database (schemas, extensions) the owner has there as well, where we may say
    // so.
    static async Task GiveToOwnerAsync(PromotionRun run, NpgsqlConnection isolated, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        if (await DatabaseRoles.OwnerAsync(shared, cancellationToken) is not { } owner)
            return;
        var isOurs = await isolated.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (
                SELECT FROM pg_roles r, pg_roles me, pg_database d
                WHERE r.rolname = @owner AND me.rolname = current_user AND me.rolcreatedb AND me.oid <> r.oid
                  AND d.datname = current_database() AND d.datdba = me.oid AND pg_has_role(r.oid, 'MEMBER'))
            """,
            new { owner },
            cancellationToken
        );
        if (isOurs)
            await isolated.ExecuteAsync(
                $"ALTER DATABASE {Sql.Identifier(run.Tenant.Slug.DatabaseName)} OWNER TO {Sql.Identifier(owner)}",
                cancellationToken
            );
    }

    /// <summary>
    /// The roles that may connect to the isolated database: the application's role and the roles that the
    /// shared database's own grants name.
    /// </summary>
    public static async Task<IReadOnlyList<string>> RolesAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var granted = (
            await shared.QueryAsync<string>(
                """
                SELECT DISTINCT pg_get_userbyid(acl.grantee)::text
                FROM pg_database d, aclexplode(d.datacl) acl
                WHERE d.datname = current_database()
                  AND acl.privilege_type = 'CONNECT' AND acl.grantee <> 0 AND acl.grantee <> d.datdba
                """,
                cancellationToken
            )
        ).ToArray();
        return
        [
            .. await isolated.QueryAsync<string>(
                "SELECT rolname::text FROM pg_roles WHERE rolname = ANY (@roles)",
                new { roles = granted.Append(run.Tenancy.ApplicationRole).ToArray() },
                cancellationToken
            ),
        ];
    }

    /// <summary>
    /// The commit that flips: tenant's row, journal, guard and notification together, and the end of the lock that has
    /// kept the tenant's writes out. An application with a stale route gets an error, and no write is lost.
    /// </summary>
    /// <param name="closed">The guard, which has been closed since before the last change was copied.</param>
    /// <param name="reverse">
    /// The position in the isolated database from which on its changes are the tenant's; null when no slot
    /// keeps them.
    /// </param>
    /// <param name="facts">Data that later phases need.</param>
    /// <param name="timeout">How long to wait for the lock of the tenant's row.</param>
    /// <returns>Milliseconds since the guard began to close.</returns>
    public static async Task<double> SharedAsync(
        PromotionRun run,
        ClosedGuard closed,
        System.Text.Json.Nodes.JsonObject isolation,
        NpgsqlLogSequenceNumber? reverse,
        object facts,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        var pause = 0.0;
        await closed.CommitAsync(
            timeout,
            async transaction =>
            {
                await run.RequireCurrentRunAsync(transaction.Connection, cancellationToken);
                await HoldJournal.RequireLetGoAsync(transaction, run.Record);
                await run.Guard.PassAsync(transaction.Connection, cancellationToken);
                await TenantRow.FlipAsync(
                    transaction,
                    run.Tenancy,
                    run.Scope,
                    run.Tenant,
                    Tenant.IsolatedMode,
                    isolation,
                    () => RequireOneTreeAsync(run, transaction.Connection, cancellationToken)
                );
                await PromotionJournal.SetStateAsync(transaction, run.Id, PromotionState.Isolated);
                if (reverse is { } position)
                    await StreamPosition.SaveAsync(transaction.Connection, run.Id, position, cancellationToken);
                await PhaseJournal.EndAsync(transaction, run.Id, PhaseName.CutOver, facts);
                await TenantRow.NotifyAsync(transaction, run.Tenant);
                pause = await closed.ElapsedAsync(cancellationToken);
                await transaction.ExecuteAsync(
                    "UPDATE tenant_promotion.promotion SET pause_ms = @pause WHERE id = @Id",
                    new { pause, run.Id }
                );
                await run.HappenedAsync(transaction, HookEvent.Flipped);
            },
            cancellationToken
        );
        return pause;
    }

    // A tenant above or below may have moved by itself meanwhile. The lock of the tenants' table lets one flip after the other.
    static async Task RequireOneTreeAsync(
        PromotionRun run,
        NpgsqlConnection shared,
        CancellationToken cancellationToken
    )
    {
        if (
            await TreeOverlap.FindAsync(shared, run.Tenancy, run.Scope, run.Tenant, cancellationToken) is
            { Count: > 0 } others
        )
            throw MigratorException.Refused(TreeMessages.Overlaps(run.Tenant.Slug, others));
    }

    /// <summary>
    /// Moves the tenant home in a rollback: out of the isolated database first, so that at no time both accept writes.
    /// </summary>
    /// <param name="closed">The isolated database's guard, closed since before the last change was copied.</param>
    /// <param name="timeout">How long a statement may wait for a lock.</param>
    public static async Task HomeAsync(PromotionRun run, ClosedGuard closed, TimeSpan timeout)
    {
        await run.IsolatedGuard.LeaveAsync(closed, timeout, CancellationToken.None);
        try
        {
            await BackAsync(run, timeout, CancellationToken.None);
        }
        catch
        {
            // The commit may have succeeded although its answer was lost; the journal knows. If the journal cannot be
            // asked, the next run opens the isolated database, or finds the tenant at home.
            if ((await run.RecordAsync(CancellationToken.None)).IsFlipped)
                await run.IsolatedGuard.OpenAsync(CancellationToken.None);
            throw;
        }
    }

    /// <summary>
    /// The commit that flips back in a rollback: it updates the tenant's row, opens the guard and notifies the
    /// applications.
    /// </summary>
    /// <param name="timeout">How long to wait for the lock of the tenant's row.</param>
    static async Task BackAsync(PromotionRun run, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await run.Journal.TransactAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync($"SET LOCAL lock_timeout = {(int)timeout.TotalMilliseconds}");
                await run.Guard.PassAsync(transaction.Connection, cancellationToken);
                await TenantRow.FlipAsync(transaction, run.Tenancy, run.Scope, run.Tenant, Tenant.SharedMode, null);
                await run.Guard.ReturnAsync(transaction);
                await PromotionJournal.SetStateAsync(transaction, run.Id, PromotionState.Shared);
                await PhaseJournal.EndAsync(transaction, run.Id, PhaseName.FlipBack, null);
                await TenantRow.NotifyAsync(transaction, run.Tenant);
            },
            cancellationToken
        );
        await run.Guard.CalmAsync(CancellationToken.None);
    }
}
