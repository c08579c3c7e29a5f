using System.Collections.Concurrent;
using System.Data;
using Dapper;
using Migrator.Model;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Guarding;

/// <summary>
/// Closing waits for who is inside, keeps nobody else waiting, and lets no write slip between the copy and the flip.
/// </summary>
public sealed class ClosingTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL, body text);
        CREATE TABLE remarks (id bigserial PRIMARY KEY, note_id bigint NOT NULL REFERENCES notes);
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'body' FROM generate_series(1, 20) n;
        """;

    [Fact]
    public async Task Waits_for_a_write_in_flight_and_copies_it_while_other_tenants_go_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CloseGuard);
        Assert.Equal("open", await move.GuardAsync());
        await using var writer = await move.Shared.OpenAsync();
        await using var writing = await writer.BeginTransactionAsync();
        await writer.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (1, 'in flight')");

        var promotion = move.PromoteAsync(validate: false);
        await Waiting.UntilAsync(
            move.Shared,
            """
            SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                WHERE NOT l.granted AND l.mode = 'ExclusiveLock' AND c.relname LIKE '%\_gate')
            """
        );
        await move.Shared.ExecuteAsync(
            "SET lock_timeout = '1min'; INSERT INTO notes (tenant_id, body) VALUES (2, 'meanwhile')"
        );
        await writing.CommitAsync();
        await promotion;

        Assert.Equal(1, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes WHERE body = 'in flight'"));
    }

    [Fact]
    public async Task Gives_up_on_a_write_that_does_not_end_and_names_it_while_the_tenant_goes_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CloseGuard);
        await using var writer = await move.Shared.OpenAsync();
        await using var writing = await writer.BeginTransactionAsync();
        await writer.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (1, 'does not end')");

        var failure = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteAsync(maxPause: TimeSpan.FromMilliseconds(100))
        );

        Assert.Equal(ExitCode.Failed, failure.Code);
        Assert.Contains($"process {writer.ProcessID}", failure.Message);
        Assert.Contains("--max-pause", failure.Message);
        Assert.NotEmpty(move.Watched.Warnings);
        Assert.Equal("open", await move.GuardAsync());
        await move.Shared.ExecuteAsync(
            "SET lock_timeout = '1min'; UPDATE notes SET body = 'goes on' WHERE tenant_id = 1 AND id < 10"
        );
        await writing.RollbackAsync();
    }

    [Fact]
    public async Task Is_not_starved_by_writers_that_never_pause_and_loses_none_of_their_writes()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<string>();
        var started = new SemaphoreSlim(0);
        var writers = Enumerable
            .Range(0, 4)
            .Select(number =>
                Task.Run(async () =>
                {
                    await using var connection = await move.Shared.OpenAsync();
                    for (var n = 0; !stop.IsCancellationRequested; n++)
                    {
                        var body = $"writer {number}, {n}";
                        try
                        {
                            await using var transaction = await connection.BeginTransactionAsync();
                            await connection.ExecuteAsync(
                                """
                                WITH note AS (INSERT INTO notes (tenant_id, body) VALUES (1, @body) RETURNING id)
                                    SELECT * FROM note
                                """,
                                new { body }
                            );
                            await connection.ExecuteAsync(
                                "UPDATE notes SET body = body || '.' WHERE tenant_id = 1 AND body = @body",
                                new { body }
                            );
                            await transaction.CommitAsync();
                            acknowledged.Add(body + ".");
                        }
                        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
                        {
                            return;
                        }
                        finally
                        {
                            started.Release();
                        }
                    }
                })
            )
            .ToArray();
        for (var n = 0; n < 20; n++)
            await started.WaitAsync();

        await move.PromoteAsync(validate: false);

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Assert.Equal(
            acknowledged.Order(StringComparer.Ordinal),
            await move.Isolated.QueryAsync<string>(
                "SELECT body FROM notes WHERE body ~ 'writer' ORDER BY body COLLATE \"C\""
            )
        );
    }

    [Theory]
    [InlineData(IsolationLevel.RepeatableRead, PhaseName.CloseGuard)]
    [SoakData(IsolationLevel.Serializable, PhaseName.CloseGuard)]
    [InlineData(IsolationLevel.RepeatableRead, PhaseName.InstallGuard)]
    [SoakData(IsolationLevel.Serializable, PhaseName.InstallGuard)]
    public async Task A_transaction_with_an_old_snapshot_cannot_write_what_the_copy_would_miss(
        IsolationLevel level,
        string before
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: before);
        await using var writer = await move.Shared.OpenAsync();
        await using var transaction = await writer.BeginTransactionAsync(level);
        // Fixes the snapshot, in which the guard is open or not there at all.
        await writer.ExecuteAsync("SELECT FROM tenants");
        await move.PromoteAsync(validate: false);

        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            writer.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (1, 'stale')")
        );

        Assert.Contains(
            refused.SqlState,
            (string[])[PostgresErrorCodes.SerializationFailure, PostgresErrorCodes.ReadOnlySqlTransaction]
        );
    }

    // Of a parent that another transaction has given to the tenant, such a transaction sees the former tenant.
    [Theory]
    [InlineData("INSERT INTO remarks (note_id) VALUES (@note)")]
    [InlineData("DELETE FROM remarks WHERE note_id = @note")]
    public async Task A_transaction_with_an_old_snapshot_cannot_write_below_a_row_that_has_become_the_tenants(
        string write
    )
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        var note = await move.Shared.ScalarAsync<int>(
            """
            WITH note AS (INSERT INTO notes (tenant_id, body) VALUES (2, 'travels') RETURNING id),
                 remark AS (INSERT INTO remarks (note_id) SELECT id FROM note)
            SELECT id::int FROM note
            """
        );
        await move.PromoteAsync(stopBefore: PhaseName.CloseGuard);
        await using var writer = await move.Shared.OpenAsync();
        await using var transaction = await writer.BeginTransactionAsync(IsolationLevel.RepeatableRead);
        await writer.ExecuteAsync("SELECT FROM tenants");
        await move.Shared.ExecuteAsync("UPDATE notes SET tenant_id = 1 WHERE id = @note", new { note });
        await move.PromoteAsync(validate: false);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => writer.ExecuteAsync(write, new { note }));

        Assert.Equal(PostgresErrorCodes.SerializationFailure, refused.SqlState);
    }

    [Fact]
    public async Task Another_tenants_transaction_with_an_old_snapshot_goes_on()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        await using var writer = await move.Shared.OpenAsync();
        await using var transaction = await writer.BeginTransactionAsync(IsolationLevel.RepeatableRead);
        await writer.ExecuteAsync("SELECT FROM tenants");
        await move.PromoteAsync(validate: false);

        await writer.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (2, 'undisturbed')");
        await transaction.CommitAsync();
    }

    [Fact]
    public async Task Installing_waits_for_a_busy_table_in_short_tries_and_makes_nobody_queue()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        await using var busy = await move.Shared.OpenAsync();
        await using var transaction = await busy.BeginTransactionAsync();
        await busy.ExecuteAsync("INSERT INTO notes (tenant_id, body) VALUES (2, 'busy')");

        var promotion = move.PromoteAsync(validate: false);
        await Waiting.UntilAsync(
            move.Shared,
            """
            SELECT EXISTS (SELECT FROM pg_locks
                WHERE NOT granted AND relation = 'notes'::regclass AND mode = 'ShareRowExclusiveLock')
            """
        );
        await move.Shared.ExecuteAsync(
            "SET lock_timeout = '1min'; INSERT INTO notes (tenant_id, body) VALUES (2, 'does not queue for long')"
        );
        await transaction.CommitAsync();
        await promotion;

        Assert.Equal("moved", await move.GuardAsync());
    }

    [Fact]
    public async Task A_child_whose_parent_is_not_committed_yet_counts_as_the_tenants()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        move.Mode = PromotionOptions.Fenced;
        await move.PromoteAsync(stopBefore: PhaseName.CloseGuard);
        await using var writer = await move.Shared.OpenAsync();
        await using var writing = await writer.BeginTransactionAsync();
        await writer.ExecuteAsync(
            """
            WITH note AS (INSERT INTO notes (tenant_id, body)
                VALUES (1, 'parent') RETURNING id) INSERT INTO remarks (note_id) SELECT id FROM note
            """
        );

        var promotion = move.PromoteAsync(validate: false);
        await Waiting.UntilAsync(
            move.Shared,
            """
            SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                WHERE NOT l.granted AND l.mode = 'ExclusiveLock' AND c.relname LIKE '%\_gate')
            """
        );
        await writing.CommitAsync();
        await promotion;

        Assert.Equal(1, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM remarks"));
    }
}
