using Microsoft.Extensions.Time.Testing;
using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Tests.Support;

namespace Migrator.Tests.Connections;

/// <summary>Whoever waits for a table's lock makes everybody else wait as well.</summary>
public sealed class TableLockTests(Servers servers)
{
    static readonly TableName Notes = new("public", "notes");

    const string Schema = """
        CREATE TABLE notes (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        INSERT INTO notes VALUES (1, 1, 'one'), (2, 2, 'two');
        """;

    [Theory]
    [InlineData("UPDATE notes SET body = 'long' WHERE id = 1", "SHARE ROW EXCLUSIVE")]
    [InlineData("SELECT FROM notes", "ACCESS EXCLUSIVE")]
    public async Task Nobody_queues_behind_a_try_for_longer_than_a_moment_and_the_holder_is_named(
        string holds,
        string mode
    )
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await using var holder = await move.Shared.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync(cancellationToken);
        await holder.ExecuteAsync(holds, cancellationToken);
        await using var connection = await move.Shared.OpenAsync();
        var clock = new FakeTimeProvider();
        var timeouts = new List<string>();

        var locking = TableLock.RunAsync(
            connection,
            Notes,
            async token =>
            {
                timeouts.Add((await connection.ExecuteScalarAsync<string>("SHOW lock_timeout", token))!);
                return await connection.ExecuteAsync($"LOCK TABLE notes IN {mode} MODE", token);
            },
            clock,
            cancellationToken
        );
        await Waiting.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            return locking.IsCompleted;
        });

        var locked = await Assert.ThrowsAsync<MigratorException>(() => locking);
        Assert.Contains($"process {holder.ProcessID} ", locked.Message, StringComparison.Ordinal);
        Assert.All(timeouts.Take(10), timeout => Assert.Equal("100ms", timeout));
        Assert.True(timeouts.Count > 10, $"{timeouts.Count} tries");
    }

    [Fact]
    public async Task What_a_long_reader_keeps_of_the_guard_is_named()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var move = await TenantMove.CreateAsync(servers, Schema);
        await move.PromoteAsync(stopBefore: PhaseName.StartStreaming);
        await using var databases = Databases.For(move.Settings, move.Tenant().Slug);
        await using var shared = await databases.Shared.OpenConnectionAsync(cancellationToken);
        var scope = await TenantScope.ReadAsync(shared, move.Tenancy, cancellationToken);
        var clock = new FakeTimeProvider();
        var guard = new WriteGuard(databases.Shared, scope, move.Tenant(), clock);
        await using (var reader = await move.Shared.OpenAsync())
        {
            await using var reading = await reader.BeginTransactionAsync(cancellationToken);
            await reader.ExecuteAsync("SELECT FROM notes", cancellationToken);

            var removing = guard.RemoveAsync(cancellationToken);
            await Waiting.UntilAsync(() =>
            {
                clock.Advance(TimeSpan.FromSeconds(10));
                return removing.IsCompleted;
            });

            var kept = await Assert.ThrowsAsync<MigratorException>(() => removing);
            Assert.Contains($"process {reader.ProcessID} ", kept.Message, StringComparison.Ordinal);
            Assert.Contains("Left are the write guard's triggers on ", kept.Message, StringComparison.Ordinal);
            Assert.Contains("public.notes", kept.Message.Split("Left are")[1], StringComparison.Ordinal);
        }
        await guard.RemoveAsync(cancellationToken);
        Assert.Equal(
            0,
            await move.Shared.ScalarAsync<long>(
                $"SELECT count(*) FROM pg_trigger WHERE starts_with(tgname, '{WriteGuard.TriggerPrefix}')"
            )
        );
    }
}
