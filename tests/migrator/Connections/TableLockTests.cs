using Microsoft.Extensions.Time.Testing;
using Migrator.Connections;
using Migrator.Model;
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
}
