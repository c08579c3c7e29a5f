using Migrator.Connections;
using Migrator.Embedded;
using Migrator.Terminal;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Security;

/// <summary>
/// The next steps of a document are the commands that a message quotes. What others have written, and a message repeats, is none.
/// </summary>
public sealed class QuotedCommandsTests(Servers servers)
{
    const string Command = "migrator finalize --tenant-slug=acme --confirm --force";

    [Theory]
    [InlineData(Command)]
    [InlineData($"x'{Command}'")]
    public async Task The_name_of_a_prepared_transaction_is_no_next_step(string gid)
    {
        await using var database = await servers.NewDatabaseAsync();
        var login = Servers.NewName("login");
        await servers.Shared.CreateRoleAsync(login, "LOGIN");
        var literal = $"'{gid.Replace("'", "''")} {login}'";
        await database.ExecuteAsync($"BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION {literal}", role: login);
        try
        {
            await using var connection = await database.OpenAsync();
            var lines = await LockHolders.PreparedAsync(
                connection,
                database.Name,
                TestContext.Current.CancellationToken
            );

            Assert.Contains(login, Assert.Single(lines));
            Assert.Empty(ConsoleOutput.CommandsIn(lines));
        }
        finally
        {
            await database.ExecuteAsync($"ROLLBACK PREPARED {literal}", role: EmbeddedCluster.Superuser);
        }
    }

    [Fact]
    public async Task What_a_function_raises_is_no_next_step()
    {
        await using var database = await servers.NewDatabaseAsync();
        var raised = await Assert.ThrowsAsync<PostgresException>(() =>
            database.ExecuteAsync($"DO $$ BEGIN RAISE EXCEPTION E'run\\n''{Command}'''; END $$")
        );

        var message = ServerFailure.From(raised, TestContext.Current.CancellationToken)!.Message;

        Assert.Contains("finalize", message);
        Assert.DoesNotContain('\n', message);
        Assert.Empty(ConsoleOutput.CommandsIn(message));
    }
}
