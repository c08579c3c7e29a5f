using System.Diagnostics;
using Dapper;
using Migrator.Demo;
using Migrator.Embedded;
using Migrator.Scope;
using Npgsql;

namespace Bench;

/// <summary>PostgreSQL's own logical replication of one tenant: a publication with row filters, and a subscription.</summary>
/// <remarks>https://www.postgresql.org/docs/current/logical-replication-row-filter.html</remarks>
sealed class NativeReplication(BenchmarkServers servers, string database)
{
    const string Name = "native";

    // A row filter sees the row's own columns, and of updates and deletes those of the replica identity.
    const string Prepare = """
        ALTER TABLE comments ADD tenant_id uuid REFERENCES tenants;
        ALTER TABLE attachments ADD tenant_id uuid REFERENCES tenants;
        ALTER TABLE billing.invoice_lines ADD tenant_id uuid REFERENCES tenants;
        SET session_replication_role = replica;
        UPDATE comments c SET tenant_id = k.tenant_id FROM tasks k WHERE k.id = c.task_id;
        UPDATE attachments a SET tenant_id = c.tenant_id FROM comments c WHERE c.id = a.comment_id;
        UPDATE billing.invoice_lines l SET tenant_id = i.tenant_id FROM billing.invoices i WHERE i.number = l.invoice_number;
        RESET session_replication_role;
        DO $$
        DECLARE name regclass;
        BEGIN
            FOREACH name IN ARRAY '{comments,attachments,billing.invoice_lines}'::regclass[] LOOP
                EXECUTE format('ALTER TABLE %s ALTER tenant_id SET NOT NULL, '
                    'ALTER tenant_id SET DEFAULT current_tenant_id()', name);
                EXECUTE format('CREATE INDEX ON %s (tenant_id)', name);
            END LOOP;
        END $$;
        """;

    // Each partition has an identity of its own, and the subscriber asks for that of the whole table.
    const string Identify = """
        DO $$
        DECLARE
            one record;
            part record;
            identity text;
        BEGIN
            FOR one IN
                SELECT c.oid::regclass AS name, n.nspname AS schema, a.attnotnull AS filled,
                    (SELECT string_agg(quote_ident(k.attname), ', ' ORDER BY k.attnum)
                        FROM pg_attribute k WHERE k.attrelid = c.oid AND k.attnum = ANY (i.indkey)) AS key
                FROM pg_class c
                JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
                JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND NOT a.attnum = ANY (i.indkey)
                WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
            LOOP
                IF NOT one.filled THEN
                    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', one.name);
                    CONTINUE;
                END IF;
                identity := replace(one.name::text, '.', '_') || '_identity';
                EXECUTE format('CREATE UNIQUE INDEX %I ON %s (tenant_id, %s)', identity, one.name, one.key);
                EXECUTE format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', one.name, identity);
                FOR part IN
                    SELECT p.indrelid::regclass AS name, c.relname AS identity
                    FROM pg_inherits h JOIN pg_index p ON p.indexrelid = h.inhrelid JOIN pg_class c ON c.oid = h.inhrelid
                    WHERE h.inhparent = format('%I.%I', one.schema, identity)::regclass
                LOOP
                    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', part.name, part.identity);
                END LOOP;
            END LOOP;
        END $$;
        """;

    int marks;

    /// <summary>Gives each table what a row filter needs, and publishes the tenant's rows.</summary>
    public async Task PublishAsync()
    {
        await using var source = new NpgsqlConnection(servers.Shared.ConnectionString(database));
        await source.OpenAsync();
        await ExecuteAsync(source, Prepare);
        await ExecuteAsync(source, Identify);
        foreach (var table in (string[])["comments", "attachments", "billing.invoice_lines"])
            await ExecuteAsync(source, $"VACUUM (FULL, ANALYZE) {table}");
        var scope = await TenantScope.ReadAsync(source, BenchmarkServers.Tenancy, CancellationToken.None);
        var tenant = await source.ExecuteScalarAsync<Guid>(
            "SELECT id FROM tenants WHERE slug = @Text",
            new { BenchmarkServers.Slug.Text }
        );
        var tables = scope.CopiedTables.Select(table =>
            table.Name.Quoted
            + (
                table.Scope == TableScope.Root ? $" WHERE (id = '{tenant}')"
                : table.Table.Column("tenant_id") is not null ? $" WHERE (tenant_id = '{tenant}')"
                : ""
            )
        );
        await ExecuteAsync(
            source,
            $"CREATE PUBLICATION {Name} FOR TABLE {string.Join(", ", tables)} WITH (publish_via_partition_root = true)"
        );
    }

    /// <summary>Loads the tenant into a database of its own, which follows from then on.</summary>
    /// <param name="indexesLast">
    /// Keys and indexes are built when the rows are there, and not before, as the manual has it.
    /// </param>
    /// <returns>Seconds.</returns>
    public async Task<double> LoadAsync(bool indexesLast)
    {
        await DropAsync();
        var watch = Stopwatch.StartNew();
        await servers.Dedicated.CreateDatabaseAsync(Name, SampleDatabase.Admin);
        var baselines = new CopyBaselines(servers.Shared, servers.Dedicated);
        await baselines.PipeSchemaAsync(database, Name, indexesLast ? ["pre-data"] : ["pre-data", "post-data"]);
        await using (var target = Target())
        {
            await ExecuteAsync(target, $"CREATE SUBSCRIPTION {Name} CONNECTION '{Publisher}' PUBLICATION {Name}");
            await UntilAsync(
                target,
                "SELECT count(*) > 0 AND bool_and(srsubstate IN ('s', 'r')) FROM pg_subscription_rel"
            );
        }
        if (indexesLast)
            await baselines.PipeSchemaAsync(database, Name, ["post-data"]);
        await BenchmarkServers.Tool("psql", servers.Dedicated, Name, "-qXc", "ANALYZE").ExecuteAsync();
        return watch.Elapsed.TotalSeconds;
    }

    /// <summary>Changes are left in the slot.</summary>
    public Task StopAsync() => OnTargetAsync($"ALTER SUBSCRIPTION {Name} DISABLE");

    /// <summary>A last change of the tenant's, which shows that all before have come.</summary>
    public async Task MarkAsync()
    {
        await using var source = new NpgsqlConnection(servers.Shared.ConnectionString(database));
        await source.ExecuteAsync(
            "SET session_replication_role = replica; UPDATE tenants SET name = @name WHERE slug = @Text",
            new { name = $"mark {++marks}", BenchmarkServers.Slug.Text }
        );
    }

    /// <summary>Applies what waits in the slot up to the last mark, and stops again.</summary>
    /// <returns>Seconds.</returns>
    public async Task<double> FollowAsync()
    {
        await using var target = Target();
        await target.OpenAsync();
        var watch = Stopwatch.StartNew();
        await ExecuteAsync(target, $"ALTER SUBSCRIPTION {Name} ENABLE");
        await UntilAsync(target, $"SELECT EXISTS (SELECT FROM tenants WHERE name = 'mark {marks}')");
        var seconds = watch.Elapsed.TotalSeconds;
        await StopAsync();
        return seconds;
    }

    /// <summary>How many rows of the tables that change the database has.</summary>
    public Task<long> CountAsync() => CountAsync(Target(), "true");

    /// <summary>How many the tenant has in the shared database.</summary>
    public Task<long> CountSharedAsync() =>
        CountAsync(
            new(servers.Shared.ConnectionString(database)),
            $"tenant_id = (SELECT id FROM tenants WHERE slug = '{BenchmarkServers.Slug.Text}')"
        );

    /// <summary>Drops subscription, slot and database, if they are there.</summary>
    public async Task DropAsync()
    {
        try
        {
            await OnTargetAsync($"DROP SUBSCRIPTION IF EXISTS {Name}");
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            return;
        }
        await servers.Dedicated.DropDatabaseAsync(Name);
    }

    string Publisher =>
        $"host={EmbeddedCluster.Host} port={servers.Shared.Port} dbname={database} user={EmbeddedCluster.Superuser} "
        + $"password={servers.Shared.PasswordOf(EmbeddedCluster.Superuser)}";

    static async Task<long> CountAsync(NpgsqlConnection connection, string condition)
    {
        await using var _ = connection;
        string[] tables = ["comments", "tasks", "agent_events"];
        return await connection.ExecuteScalarAsync<long>(
            $"SELECT {string.Join(" + ", tables.Select(table => $"(SELECT count(*) FROM {table} WHERE {condition})"))}",
            commandTimeout: 0
        );
    }

    async Task OnTargetAsync(string sql)
    {
        await using var target = Target();
        await ExecuteAsync(target, sql);
    }

    // Without a pool: the database is dropped.
    NpgsqlConnection Target() =>
        new(
            new NpgsqlConnectionStringBuilder(servers.Dedicated.ConnectionString(Name))
            {
                Pooling = false,
            }.ConnectionString
        );

    static Task ExecuteAsync(NpgsqlConnection connection, string sql) =>
        connection.ExecuteAsync(sql, commandTimeout: 0);

    static async Task UntilAsync(NpgsqlConnection connection, string condition)
    {
        while (!await connection.ExecuteScalarAsync<bool>(condition))
            await Task.Delay(TimeSpan.FromMilliseconds(5));
    }
}
