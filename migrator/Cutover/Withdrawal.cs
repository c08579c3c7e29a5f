using Migrator.Connections;
using Migrator.Model;
using Migrator.Routing;
using Migrator.Runs;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>Reverts the isolated side after a failed attempt at the cutover.</summary>
public static class Withdrawal
{
    /// <summary>
    /// A failed attempt may have enabled triggers and constraints and flipped the isolated side's row: returns
    /// to applying the stream.
    /// </summary>
    public static async Task RunAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        run.AsFlipped = null;
        await ConstraintDeferral.SuspendAsync(run.Stream, cancellationToken);
        await using var connection = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await run.Isolated.RequireCurrentRunAsync(connection, cancellationToken);
        await DropRulesAsync(run, connection, cancellationToken);
        foreach (var table in run.Scope.UnstreamedTables)
            await connection.ExecuteAsync($"DELETE FROM {table.Table.From}", cancellationToken);
        if (
            await TenantRow.ModeAsync(connection, run.Tenancy, run.Scope, run.Tenant, cancellationToken)
            == Tenant.IsolatedMode
        )
            await TenantRow.FlipAsync(
                new(connection, cancellationToken),
                run.Tenancy,
                run.Scope,
                run.Tenant,
                Tenant.SharedMode,
                null
            );
        await transaction.CommitAsync(cancellationToken);
    }

    // The next attempt creates them again. Disabled ones would still reject an upsert.
    static async Task DropRulesAsync(PromotionRun run, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var rules = await connection.QueryAsync<(string Table, string Rule)>(
            """
            SELECT ev_class::regclass::text, rulename::text FROM pg_rewrite
            WHERE ev_type <> '1' AND ev_class = ANY (CAST(@tables AS regclass[]))
            """,
            new { tables = run.Scope.CopiedTables.Select(table => table.Name.Quoted).ToArray() },
            cancellationToken
        );
        foreach (var (table, rule) in rules)
            await connection.ExecuteAsync($"DROP RULE {Sql.Identifier(rule)} ON {table}", cancellationToken);
    }
}
