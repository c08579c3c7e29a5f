using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Security;

/// <summary>Any session may have the server print what it does. The guard's secret is not in it.</summary>
[EveryVersion]
public sealed class PrintedSecretTests(Servers servers)
{
    // A plan has values as bytes.
    const string Print = """
        SET debug_print_parse = on; SET debug_print_rewritten = on; SET debug_print_plan = on;
        SET client_min_messages = log; SET tenant_promotion.pass = 'a guess'; SET tenant_promotion.arrival = 'a guess';
        """;

    [Fact]
    public async Task What_a_session_has_printed_of_its_writes_does_not_tell_the_secret()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);"
                + "INSERT INTO items SELECT n, 1 + n % 2 FROM generate_series(1, 20) n"
        );
        var role = Servers.NewName("application");
        await move.Shared.Cluster.CreateRoleAsync(role, "LOGIN");
        await move.Shared.ExecuteAsync($"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}");
        await move.PromoteAsync(stopBefore: "copy", validate: false);
        var printed = await PrintedAsync(move.Shared, role, "UPDATE items SET tenant_id = 2 WHERE id = 2");
        var secrets = await SecretsAsync(move.Shared);
        await move.PromoteAsync(validate: false);
        printed += await PrintedAsync(move.Shared, role, "INSERT INTO items VALUES (900, 1)");
        printed += await PrintedAsync(move.Shared, role, "UPDATE items SET tenant_id = 1 WHERE id = 2");

        Assert.Contains("PLANNEDSTMT", printed);
        Assert.NotEmpty(secrets);
        foreach (var secret in secrets)
        {
            Assert.DoesNotContain(secret, printed);
            Assert.DoesNotContain(string.Join(' ', secret.Select(letter => (int)letter)), printed);
        }
    }

    static Task<IReadOnlyList<string>> SecretsAsync(TestDatabase database) =>
        database.QueryAsync<string>("SELECT pass FROM tenant_promotion.guard");

    static async Task<string> PrintedAsync(TestDatabase database, string role, string write)
    {
        var printed = new List<string>();
        await using var connection = await database.OpenAsync(role);
        connection.Notice += (_, e) => printed.Add($"{e.Notice.MessageText} {e.Notice.Detail}");
        await using var command = new NpgsqlCommand(Print + write, connection);
        try
        {
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            printed.Add(e.ToString());
        }
        return string.Join('\n', printed);
    }
}
