using Dapper;
using Migrator.Scope;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>What a look at the catalog costs, which each command takes several times.</summary>
public sealed class CatalogTests(Servers servers)
{
    // Asked of each index of the database for each table, the same look reads three million.
    const int Most = 200_000;

    [Fact]
    public async Task A_look_at_many_tables_asks_of_each_index_once()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            """
            DO $$ BEGIN FOR i IN 1..50 LOOP
                EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, tenant_id int NOT NULL, UNIQUE (tenant_id, id))', i);
            END LOOP; END $$
            """
        );
        await using var connection = await database.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();

        var catalog = await Catalog.ReadAsync(connection, TestContext.Current.CancellationToken);

        Assert.Equal(50, catalog.Tables.Count);
        Assert.InRange(
            await connection.ExecuteScalarAsync<long>(
                "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_sys_tables WHERE relname = 'pg_index'"
            ),
            50,
            Most
        );
    }
}
