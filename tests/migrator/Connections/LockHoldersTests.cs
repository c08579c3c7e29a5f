using Microsoft.Extensions.Time.Testing;
using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Runs;
using Migrator.Tests.Support;

namespace Migrator.Tests.Connections;

/// <summary>A prepared transaction holds locks without a session, and is named wherever the migrator waits for it.</summary>
public sealed class LockHoldersTests(Servers servers)
{
    const string Notes = """
        CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes SELECT n, 1 + n % 2, 'body' FROM generate_series(1, 10) n;
        """;

    [Fact]
    public async Task A_prepared_transaction_is_told_by_preflight_and_named_by_what_waits_for_it()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var orphan = await PreparedAsync(move.Shared);

        Assert.Contains((await move.PreflightAsync()).Warnings, orphan.IsNamedIn);

        await using var connection = await move.Shared.OpenAsync();
        Assert.Contains(
            await LockHolders.WritersAsync(connection, TestContext.Current.CancellationToken),
            orphan.IsNamedIn
        );
        var clock = new FakeTimeProvider();
        var locking = TableLock.RunAsync(
            connection,
            new("public", "notes"),
            token =>
                connection.ExecuteAsync(
                    "SET LOCAL lock_timeout = 5; LOCK TABLE notes IN SHARE ROW EXCLUSIVE MODE",
                    token
                ),
            clock,
            TestContext.Current.CancellationToken
        );
        await Waiting.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            return locking.IsCompleted;
        });
        var locked = await Assert.ThrowsAsync<MigratorException>(() => locking);
        Assert.True(orphan.IsNamedIn(locked.Message), locked.Message);
        Assert.Contains("public.notes", locked.Message);
    }

    [Fact]
    public async Task Preflight_refuses_a_table_that_a_prepared_transaction_has_kept_for_seconds()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        await using var orphan = await PreparedAsync(move.Shared);

        IReadOnlyList<string> faults = [];
        await Waiting.UntilAsync(async () => (faults = (await move.PreflightAsync()).Faults).Count > 0);

        var fault = Assert.Single(faults);
        Assert.StartsWith("A lock on notes is held by prepared transaction", fault.Replace("public.", ""));
        Assert.True(orphan.IsNamedIn(fault), fault);
    }

    [Fact]
    public async Task A_guard_that_a_prepared_transaction_keeps_open_says_so()
    {
        await using var move = await TenantMove.CreateAsync(servers, Notes);
        move.Mode = PromotionOptions.Fenced;
        PreparedTransaction? orphan = null;

        var failed = await Assert.ThrowsAsync<MigratorException>(() =>
            move.PromoteMeddledAsync(
                PhaseName.CloseGuard,
                async () => orphan = await PreparedAsync(move.Shared),
                move.Options(maxPause: TimeSpan.FromMilliseconds(100))
            )
        );

        await using (orphan)
            Assert.True(orphan!.IsNamedIn(failed.Message), failed.Message);
        Assert.False(move.Watched.HasWarned("may still be closed"));
    }

    [Fact]
    public async Task A_database_that_a_prepared_transaction_keeps_is_not_dropped_and_says_why()
    {
        var slug = Slug.TryParse(Servers.NewName("kept").Replace('_', '-'), out var parsed)
            ? parsed
            : throw new InvalidOperationException();
        await using var kept = await TestDatabase.CreateAsync(servers.Shared, slug.DatabaseName, Servers.Admin);
        await kept.ExecuteAsync("CREATE TABLE notes (id int, body text)");
        await using var orphan = await PreparedAsync(kept);
        await using var server = await new TestDatabase(servers.Shared, "postgres", Servers.Admin).OpenAsync();

        var refused = await Assert.ThrowsAsync<MigratorException>(() =>
            IsolatedDatabase.DropAsync(server, slug, TestContext.Current.CancellationToken)
        );

        Assert.True(orphan.IsNamedIn(refused.Message), refused.Message);
    }

    static async Task<PreparedTransaction> PreparedAsync(TestDatabase database)
    {
        var name = Servers.NewName("orphan");
        await database.ExecuteAsync($"BEGIN; UPDATE notes SET body = 'prepared'; PREPARE TRANSACTION '{name}'");
        return new(database, name);
    }

    sealed record PreparedTransaction(TestDatabase Database, string Name) : IAsyncDisposable
    {
        public bool IsNamedIn(string sentence) =>
            sentence.Contains($"'{Name}'", StringComparison.Ordinal)
            && sentence.Contains("ROLLBACK PREPARED", StringComparison.Ordinal);

        public async ValueTask DisposeAsync() =>
            await Database.ExecuteAsync($"ROLLBACK PREPARED '{Name}'", role: EmbeddedCluster.Superuser);
    }
}
