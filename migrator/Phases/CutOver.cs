using Dapper;
using Migrator.Console;
using Migrator.Copying;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Routing;
using Migrator.Schema;
using Migrator.Scope;
using Npgsql;

namespace Migrator.Phases;

/// <summary>
/// The flip. Everything that can fail comes before it; it is one commit in the shared database, and what follows it only tells others.
/// </summary>
public sealed class CutOver : Phase
{
    public const string PhaseName = "cut-over";

    public override string Name => PhaseName;
    public override string Title => "Cut over";
    public override string State => PromotionState.CuttingOver;

    public override async Task<PhaseOutcome> RunAsync(PromotionRun run, CancellationToken cancel)
    {
        await RequireSameSchemaAsync(run, cancel);
        await run.Databases.EndLeftoverSessionsAsync(cancel);
        await (await run.ArchiveAsync(cancel)).RestoreAsync([SchemaPart.Behaviour], run.Databases, 1, cancel);
        await using (var connection = await run.Databases.Isolated.OpenConnectionAsync(cancel))
        {
            // Sequences know no transaction: a run that has been overtaken must not reach those of a database in use.
            await using var holding = await connection.BeginTransactionAsync(cancel);
            await run.Isolated.HoldAsync(connection, cancel);
            await SequenceSetter.SetAsync(run.Databases, run.Scope, cancel);
            await CopyDatabaseSettingsAsync(run, cancel);
        }
        await RecheckCountsAsync(run, cancel);

        var isolation = TenantRow.Isolation(run.Tenant.Slug, run.Clock.GetUtcNow(), await MigrationVersionAsync(run, cancel));
        // T first: nobody is routed there before S says so.
        await FlipIsolatedAsync(run, isolation, cancel);
        var pause = await FlipSharedAsync(run, isolation, cancel);
        // From here on there is no going back by itself: what remains must be told, Ctrl-C or not.
        await PublishAsync(run, CancellationToken.None);
        return new($"pause {pause:N0} ms", Recorded: true);
    }

    /// <summary>Writes the routing file; also for a run that comes after one that was killed between flip and file.</summary>
    public static Task PublishAsync(PromotionRun run, CancellationToken cancel) => run.Routing.WriteAsync(
        run.Tenant.Slug, RoutingDocument.For(run.Tenant.Slug, Tenant.IsolatedMode, run.Target, run.Tenancy.Domain), cancel);

    static async Task RequireSameSchemaAsync(PromotionRun run, CancellationToken cancel)
    {
        var seen = Journaled.Read<Preflight.Facts>((await run.RecordAsync(cancel)).Phase(Preflight.PhaseName)!.Facts)!.Fingerprint;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancel);
        if (await Catalog.FingerprintAsync(shared, cancel) != seen) throw Sentences.SchemaChanged(run.Tenant.Slug);
    }

    static async Task RecheckCountsAsync(PromotionRun run, CancellationToken cancel)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancel);
        var recorded = await PromotionJournal.DigestsAsync(shared, run.Id, cancel);
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancel);
        foreach (var table in run.Scope.CopiedTables)
        {
            var rows = await isolated.ExecuteScalarAsync<long>(new CommandDefinition($"SELECT count(*) FROM {table.Table.From}", cancellationToken: cancel));
            if (rows != recorded[table.Name.ToString()].Rows) throw Sentences.CountChanged(table.Name, recorded[table.Name.ToString()].Rows, rows);
        }
    }

    static async Task<string> MigrationVersionAsync(PromotionRun run, CancellationToken cancel)
    {
        if (run.Tenancy.MigrationVersion is { } chosen) return chosen;
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancel);
        return await MigrationHistory.LatestAsync(shared, run.Scope, cancel) ?? "001";
    }

    static async Task FlipIsolatedAsync(PromotionRun run, System.Text.Json.Nodes.JsonObject isolation, CancellationToken cancel)
    {
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await run.Isolated.HoldAsync(connection, cancel);
        var journal = new JournalTransaction(connection, cancel);
        await TenantRow.FlipAsync(journal, run.Tenancy, run.Scope, run.Tenant, Tenant.IsolatedMode, isolation);
        foreach (var role in await ApplicationRolesAsync(connection, run, cancel))
            await journal.ExecuteAsync($"GRANT CONNECT, TEMPORARY ON DATABASE {Sql.Identifier(run.Tenant.Slug.DatabaseName)} TO {Sql.Identifier(role)}");
        await transaction.CommitAsync(cancel);
    }

    // The application's role, and whoever was named in the shared database's own grants.
    static async Task<IReadOnlyList<string>> ApplicationRolesAsync(NpgsqlConnection isolated, PromotionRun run, CancellationToken cancel)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancel);
        var granted = (await shared.QueryAsync<string>(new CommandDefinition("""
            SELECT DISTINCT pg_get_userbyid(acl.grantee)::text
            FROM pg_database d, aclexplode(d.datacl) acl
            WHERE d.datname = current_database() AND acl.privilege_type = 'CONNECT' AND acl.grantee <> 0 AND acl.grantee <> d.datdba
            """, cancellationToken: cancel))).ToArray();
        return [.. await isolated.QueryAsync<string>(new CommandDefinition(
            "SELECT rolname::text FROM pg_roles WHERE rolname = ANY (@roles)",
            new { roles = granted.Append(run.Tenancy.ApplicationRole).ToArray() }, cancellationToken: cancel))];
    }

    // The one commit that decides: tenant's row, journal and notification together. Guard stays closed: an application
    // with a stale route gets an error here, never a lost write.
    static Task<double> FlipSharedAsync(PromotionRun run, System.Text.Json.Nodes.JsonObject isolation, CancellationToken cancel) => run.Journal.TransactAsync(
        async transaction =>
        {
            await transaction.ExecuteAsync($"SET LOCAL lock_timeout = {(int)run.Options.MaxPause.TotalMilliseconds}");
            await run.Guard.PassAsync(transaction.Connection, cancel);
            await TenantRow.FlipAsync(transaction, run.Tenancy, run.Scope, run.Tenant, Tenant.IsolatedMode, isolation);
            await PromotionJournal.SetStateAsync(transaction, run.Id, PromotionState.Isolated);
            var pause = await transaction.ScalarAsync<double>(
                """
                UPDATE tenant_promotion.promotion SET pause_ms =
                    (SELECT extract(epoch FROM clock_timestamp() - changed_at) * 1000 FROM tenant_promotion.guard WHERE tenant_key = @Key)
                WHERE id = @Id RETURNING pause_ms
                """,
                new { run.Tenant.Key, run.Id });
            await PromotionJournal.EndPhaseAsync(transaction, run.Id, PhaseName, new { isolation });
            await TenantRow.NotifyAsync(transaction, run.Tenant);
            return pause;
        },
        cancel);

    // ALTER DATABASE … SET: what the shared database presets for its sessions, for all roles or for one.
    static async Task CopyDatabaseSettingsAsync(PromotionRun run, CancellationToken cancel)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancel);
        var settings = await shared.QueryAsync<(string? Role, string Setting)>(new CommandDefinition("""
            SELECT CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole)::text END, unnest(s.setconfig)
            FROM pg_db_role_setting s WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
            """, cancellationToken: cancel));
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancel);
        var database = Sql.Identifier(run.Tenant.Slug.DatabaseName);
        foreach (var (role, setting) in settings)
        {
            var (name, value) = (setting[..setting.IndexOf('=')], setting[(setting.IndexOf('=') + 1)..]);
            var parameter = string.Join('.', name.Split('.').Select(Sql.Identifier));
            try
            {
                await using var transaction = await isolated.BeginTransactionAsync(cancel);
                await isolated.ExecuteAsync(new CommandDefinition("SELECT set_config(@name, @value, true)", new { name, value }, cancellationToken: cancel));
                await isolated.ExecuteAsync(new CommandDefinition(
                    role is null ? $"ALTER DATABASE {database} SET {parameter} FROM CURRENT" : $"ALTER ROLE {Sql.Identifier(role)} IN DATABASE {database} SET {parameter} FROM CURRENT",
                    cancellationToken: cancel));
                await transaction.CommitAsync(cancel);
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.InvalidParameterValue)
            {
                run.Progress.Warn(Sentences.SettingNotCopied(setting, e.MessageText));
            }
        }
    }
}
