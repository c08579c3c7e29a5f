using Migrator.Connections;
using Migrator.Copying;
using Migrator.Messages;
using Migrator.Runs;
using Npgsql;

namespace Migrator.Cutover;

/// <summary>
/// Rows that extensions keep in tables of their own and call configuration: partitions to make, coordinate systems.
/// Each table has a condition that tells such rows from those that the extension brings along.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/extend-extensions.html#EXTEND-EXTENSIONS-CONFIG-TABLES</remarks>
public static class ExtensionData
{
    /// <summary>Makes the isolated database's configuration rows equal to the shared ones; safe to repeat.</summary>
    public static async Task CopyAsync(PromotionRun run, CancellationToken cancellationToken)
    {
        await using var shared = await run.Databases.Shared.OpenConnectionAsync(cancellationToken);
        var tables = await TablesAsync(shared, cancellationToken);
        if (tables.Count == 0)
            return;
        await using var isolated = await run.Databases.Isolated.OpenConnectionAsync(cancellationToken);
        foreach (var extension in tables.GroupBy(table => table.Extension))
            try
            {
                await using var writing = await isolated.BeginTransactionAsync(cancellationToken);
                await run.Isolated.RequireCurrentRunAsync(isolated, cancellationToken);
                // A table may refer to one that is listed before it.
                foreach (var table in extension.Reverse())
                    await isolated.ExecuteAsync($"DELETE FROM {table.Name} {table.Condition}", cancellationToken);
                foreach (var table in extension)
                    await RawCopy.StreamAsync(
                        shared,
                        $"COPY (SELECT {table.Columns} FROM {table.Name} {table.Condition}) TO STDOUT (FORMAT TEXT)",
                        isolated,
                        $"COPY {table.Name} ({table.Columns}) FROM STDIN (FORMAT TEXT)",
                        null,
                        cancellationToken
                    );
                await writing.CommitAsync(cancellationToken);
            }
            catch (PostgresException e)
                when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedTable)
            {
                run.Progress.Warn(PromotionMessages.ExtensionDataLeft(extension.Key, e.MessageText));
            }
    }

    // Sequences may be configuration too; they have no rows.
    static Task<IReadOnlyList<ConfigurationTable>> TablesAsync(
        NpgsqlConnection shared,
        CancellationToken cancellationToken
    ) =>
        shared.QueryAsync<ConfigurationTable>(
            """
            SELECT e.extname::text AS "Extension", format('%I.%I', n.nspname, c.relname) AS "Name",
                   coalesce(e.extcondition[config.place], '') AS "Condition",
                   (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS "Columns"
            FROM pg_extension e
            CROSS JOIN LATERAL unnest(e.extconfig) WITH ORDINALITY config (oid, place)
            JOIN pg_class c ON c.oid = config.oid AND c.relkind IN ('r', 'p')
            JOIN pg_namespace n ON n.oid = c.relnamespace
            ORDER BY e.extname, config.place
            """,
            cancellationToken
        );

    sealed class ConfigurationTable
    {
        public string Extension { get; init; } = "";
        public string Name { get; init; } = "";
        public string Condition { get; init; } = "";
        public string Columns { get; init; } = "";
    }
}
