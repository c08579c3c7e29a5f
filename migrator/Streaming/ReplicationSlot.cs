using Migrator.Connections;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;
using NpgsqlTypes;

namespace Migrator.Streaming;

/// <summary>A logical replication slot and the publication it reads; both bear one name.</summary>
/// <remarks>https://www.postgresql.org/docs/current/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS</remarks>
public static class ReplicationSlot
{
    /// <summary>
    /// The prefix of the messages that are watermarks of this process, which nobody else can know: whoever may log in can
    /// write messages into the log.
    /// </summary>
    public static readonly string WatermarkPrefix = $"tenant_promotion_mark_{Guid.NewGuid():n}";

    // A slot begins when all transactions that were open at its creation have ended. No session waits for us meanwhile,
    // so this may take a while.
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    const int ReleaseAttempts = 100;

    static readonly TimeSpan ReleaseInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Creates the publication, after trying on a table of the same shape that it makes no write fail.
    /// </summary>
    /// <exception cref="MigratorException">
    /// A table would refuse updates as part of a publication, or is locked by others all the time.
    /// </exception>
    public static async Task PublishAsync(
        NpgsqlConnection connection,
        string name,
        IReadOnlyList<StreamedTable> tables,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        // A primary key identifies its rows in every publication.
        foreach (var table in tables.Where(table => table.Definition.ReplicaIdentity != "d"))
            await TryAsync(connection, table, cancellationToken);
        await UnpublishAsync(connection, name, clock, cancellationToken);
        await RequireFreeAsync(connection, name, cancellationToken);
        var published = string.Join(", ", tables.Select(table => table.Definition.From));
        await TableLock.RunAsync(
            connection,
            tables[0].Name,
            token =>
                connection.ExecuteAsync(
                    $"""
                    CREATE PUBLICATION {Sql.Identifier(name)} FOR TABLE {published}
                    WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)
                    """,
                    token
                ),
            clock,
            cancellationToken
        );
    }

    // Whoever may create anything in the database may create a publication of any name.
    static async Task RequireFreeAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        if (
            await connection.ExecuteScalarAsync<string?>(
                "SELECT pg_get_userbyid(pubowner)::text FROM pg_publication WHERE pubname = @name",
                new { name },
                cancellationToken
            ) is
            { } owner
        )
            throw StreamMessages.PublicationOfAnother(name, owner);
    }

    // The server checks the replica identity when it plans a write, even one that finds no row.
    static async Task TryAsync(NpgsqlConnection connection, StreamedTable table, CancellationToken cancellationToken)
    {
        await using var trial = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            const string copy = "tenant_promotion.trial";
            var trialled = Sql.Identifier($"{StreamNames.Prefix}trial_{Guid.NewGuid():n}");
            var set = table.Columns.First(column => !column.AlwaysIdentity);
            var identity = table.Definition.ReplicaIdentity == "f" ? "FULL" : "USING INDEX trial_key";
            await connection.ExecuteAsync(
                $"""
                CREATE TABLE {copy} (LIKE {table.Name.Quoted} INCLUDING GENERATED);
                CREATE UNIQUE INDEX trial_key ON {copy} ({Sql.Identifiers(table.Definition.Key)});
                ALTER TABLE {copy} REPLICA IDENTITY {identity};
                CREATE PUBLICATION {trialled} FOR TABLE {copy} WITH (publish_via_partition_root = true);
                UPDATE {copy} SET {Sql.Identifier(set.Name)} = {Sql.Identifier(set.Name)} WHERE false;
                DELETE FROM {copy} WHERE false
                """,
                cancellationToken
            );
        }
        catch (PostgresException e)
            when (e.SqlState
                    is PostgresErrorCodes.ObjectNotInPrerequisiteState
                        or PostgresErrorCodes.InvalidColumnReference
            )
        {
            throw StreamMessages.PublicationWouldRefuseWrites(table.Name, e);
        }
        await trial.RollbackAsync(cancellationToken);
    }

    /// <summary>
    /// Drops the slot if it is there, and creates it. What commits after this returns is in the stream.
    /// </summary>
    /// <exception cref="MigratorException">A transaction stayed open for too long.</exception>
    public static async Task CreateAsync(
        NpgsqlConnection connection,
        string name,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        await DropAsync(connection, name, clock, cancellationToken);
        try
        {
            await connection.ExecuteAsync(
                $"SET statement_timeout = {(int)Timeout.TotalMilliseconds}",
                cancellationToken
            );
            await connection.ExecuteAsync(
                // Since version 17 a standby can have the slot as well, and take it over with the rest.
                connection.PostgreSqlVersion.Major >= 17
                    ? "SELECT pg_create_logical_replication_slot(@name, 'pgoutput', failover => true)"
                    : "SELECT pg_create_logical_replication_slot(@name, 'pgoutput')",
                new { name },
                cancellationToken
            );
        }
        catch (PostgresException e)
            when (e.SqlState == PostgresErrorCodes.QueryCanceled && !cancellationToken.IsCancellationRequested)
        {
            throw StreamMessages.SlotWaits(await LockHolders.WritersAsync(connection, cancellationToken), e);
        }
        finally
        {
            if (connection.State == System.Data.ConnectionState.Open)
                await connection.ExecuteAsync("SET statement_timeout = 0", CancellationToken.None);
        }
    }

    public static Task<bool> ExistsAsync(
        NpgsqlConnection connection,
        string name,
        CancellationToken cancellationToken
    ) =>
        connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_replication_slots
                           WHERE slot_name = @name AND wal_status IS DISTINCT FROM 'lost')
            """,
            new { name },
            cancellationToken
        );

    /// <summary>
    /// Ends the session that still reads from the slot: a run that was killed leaves its sender behind for a while.
    /// </summary>
    public static async Task ReleaseAsync(
        NpgsqlConnection connection,
        string name,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 0; attempt < ReleaseAttempts; attempt++)
        {
            if (
                await connection.ExecuteScalarAsync<long>(
                    """
                    SELECT count(pg_terminate_backend(active_pid)) FROM pg_replication_slots
                    WHERE slot_name = @name AND active
                    """,
                    new { name },
                    cancellationToken
                ) == 0
            )
                return;
            await Task.Delay(ReleaseInterval, clock, cancellationToken);
        }
        throw StreamMessages.SlotInUse(name);
    }

    public static async Task DropAsync(
        NpgsqlConnection connection,
        string name,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        await ReleaseAsync(connection, name, clock, cancellationToken);
        await connection.ExecuteAsync(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = @name",
            new { name },
            cancellationToken
        );
    }

    /// <summary>
    /// Drops the publication, if it is ours. A statement that is being planned reads which publications its table is in, and then each
    /// of them: one that is dropped in between fails the statement. So each table is taken out first, under a lock that
    /// waits for the table's writers.
    /// </summary>
    /// <remarks>https://www.postgresql.org/docs/current/sql-alterpublication.html</remarks>
    /// <exception cref="MigratorException">A table is locked by others all the time.</exception>
    public static async Task UnpublishAsync(
        NpgsqlConnection connection,
        string name,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var publication = Sql.Identifier(name);
        if (
            !await connection.ExecuteScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = @name AND pg_has_role(pubowner, 'USAGE'))",
                new { name },
                cancellationToken
            )
        )
            return;
        var published = await connection.QueryAsync<(string Schema, string Name)>(
            """
            SELECT n.nspname, c.relname
            FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
            JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE p.pubname = @name ORDER BY c.oid
            """,
            new { name },
            cancellationToken
        );
        foreach (var table in published.Select(one => new TableName(one.Schema, one.Name)))
            await TableLock.RunAsync(
                connection,
                table,
                token =>
                    connection.ExecuteAsync(
                        $"""
                        LOCK TABLE {table.Quoted} IN SHARE ROW EXCLUSIVE MODE;
                        ALTER PUBLICATION {publication} DROP TABLE ONLY {table.Quoted}
                        """,
                        token
                    ),
                clock,
                cancellationToken
            );
        await connection.ExecuteAsync($"DROP PUBLICATION IF EXISTS {publication}", cancellationToken);
    }

    /// <summary>
    /// Puts a watermark into the stream: a reader that meets it has met everything that committed before.
    /// </summary>
    public static async Task<(string Watermark, NpgsqlLogSequenceNumber At)> EmitWatermarkAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        var watermark = Guid.NewGuid().ToString();
        var at = await connection.ExecuteScalarAsync<NpgsqlLogSequenceNumber>(
            "SELECT pg_logical_emit_message(true, @WatermarkPrefix, @watermark)",
            new { WatermarkPrefix, watermark },
            cancellationToken
        );
        return (watermark, at);
    }
}
