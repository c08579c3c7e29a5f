using Migrator.Connections;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Model;
using Migrator.Settings;
using Npgsql;
using Spectre.Console;

namespace Migrator.Commands;

/// <summary>How many rows of the demo's tenant stand in each of the two databases.</summary>
sealed class ShowcaseSides(EmbeddedCluster shared, EmbeddedCluster dedicated, MigratorSettings settings, Slug slug)
{
    static readonly string[] Shown = ["users", "projects", "agent_events", "audit_logs", "comments"];

    public async Task ShowAsync(IAnsiConsole console, CancellationToken cancellationToken)
    {
        var table = new Table().AddColumns(["acme-corp's rows", .. Shown]).RoundedBorder();
        await AddAsync(table, shared, SampleDatabase.Name, cancellationToken);
        if (await ExistsAsync(cancellationToken))
            await AddAsync(table, dedicated, slug.DatabaseName, cancellationToken);
        console.Write(table);
    }

    async Task<bool> ExistsAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(settings.Target.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        return await connection.DatabaseExistsAsync(slug.DatabaseName, cancellationToken);
    }

    async Task AddAsync(Table table, EmbeddedCluster server, string database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(server.ConnectionString(database, SampleDatabase.Admin))
            {
                Pooling = false,
            }.ConnectionString
        );
        await connection.OpenAsync(cancellationToken);
        var cells = new List<string> { $"{database}, port {server.Port}" };
        foreach (var name in Shown)
            cells.Add($"{await CountAsync(connection, name, cancellationToken):N0}");
        table.AddRow([.. cells]);
    }

    Task<long> CountAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<long>(
            table == "comments"
                ? """
                SELECT count(*) FROM comments c JOIN tasks k ON k.id = c.task_id
                JOIN tenants t ON t.id = k.tenant_id WHERE t.slug = @Text
                """
                : $"""
                SELECT count(*) FROM {Sql.Identifier(table)} r
                JOIN tenants t ON t.id = r.tenant_id WHERE t.slug = @Text
                """,
            new { slug.Text },
            cancellationToken
        );
}
