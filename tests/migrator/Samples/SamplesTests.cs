using System.Diagnostics;
using System.Text.Json;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Samples;

/// <summary>The samples of docs/sample follow a tenant there and back: no error, and no write lost or doubled.</summary>
public sealed class SamplesTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE notes (id uuid PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, n int NOT NULL);
        """;

    [Theory]
    [InlineData("node", "node", "writer.mjs")]
    [InlineData("python", "/usr/bin/python3", "writer.py")]
    public async Task A_sample_follows_its_tenant_there_and_back(string sample, string program, string script)
    {
        var folder = await SampleFolder.PrepareAsync(sample, script);
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        using var writer = Start(move, folder, program, script);
        var (output, errors) = (writer.StandardOutput.ReadToEndAsync(), writer.StandardError.ReadToEndAsync());
        var said = Task.WhenAll(output, errors);
        await UntilWrittenAsync(move.Shared, said);
        await move.PromoteAsync(validate: false);
        await UntilWrittenAsync(move.Isolated, said);
        await move.RollBackAsync();
        await UntilWrittenAsync(move.Shared, said);
        writer.StandardInput.Close();

        Assert.Equal("", await errors);
        var ledger = JsonSerializer.Deserialize<Said>(await output, JsonSerializerOptions.Web)!;
        Assert.Empty(ledger.Errors);
        var there = await move.Shared.QueryAsync<(Guid Id, int N)>("SELECT id, n FROM notes");
        Assert.Equal(ledger.Acknowledged.OrderBy(pair => pair.Key), there.ToDictionary().OrderBy(pair => pair.Key));
    }

    sealed record Said(Dictionary<Guid, int> Acknowledged, string[] Errors);

    static Process Start(TenantMove move, string folder, string program, string script)
    {
        var shared = new NpgsqlConnectionStringBuilder(move.Shared.ConnectionString());
        return Process.Start(
            new ProcessStartInfo(program, [script, $"{TenantMove.Acme}"])
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["PGHOST"] = shared.Host,
                    ["PGPORT"] = $"{shared.Port}",
                    ["PGDATABASE"] = shared.Database,
                    ["PGUSER"] = shared.Username,
                    ["PGPASSWORD"] = shared.Password,
                    ["ISOLATED_PORT"] = $"{move.Server.Port}",
                    ["ISOLATED_PASSWORD"] = move.Server.PasswordOf(move.Shared.Owner),
                },
            }
        )!;
    }

    // Fifty writes from now on.
    static async Task UntilWrittenAsync(TestDatabase database, Task<string[]> said)
    {
        const string written = "SELECT coalesce(sum(n), 0) FROM notes";
        var before = await database.ScalarAsync<long>(written);
        await Waiting.UntilAsync(async () =>
        {
            if (said.IsCompleted)
                Assert.Fail(string.Join('\n', await said));
            return await database.ScalarAsync<long>(written) >= before + 50;
        });
    }
}
