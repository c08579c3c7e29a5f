using System.Collections.Concurrent;
using Dapper;
using Migrator.Embedded;
using Migrator.Tests.Crashes;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Online;

/// <summary>
/// A small shared database, and an application of acme that writes into it, wherever acme is, without a pause;
/// connections may break.
/// </summary>
sealed class FaultsWriter : IAsyncDisposable
{
    readonly TenantMove move;
    readonly CancellationTokenSource stop = new();
    readonly ConcurrentBag<string> acknowledged = [];
    readonly ConcurrentBag<string> unknown = [];
    readonly ConcurrentBag<string> errors = [];
    readonly Task running;
    bool isolated;

    FaultsWriter(TenantMove move)
    {
        this.move = move;
        running = Task.Run(RunAsync);
    }

    public static FaultsWriter Start(TenantMove move) => new(move);

    /// <summary>How many writes have been acknowledged.</summary>
    public int Count => acknowledged.Count;

    /// <summary>What the application was told, apart from the guard's 25006.</summary>
    public IEnumerable<string> Errors => errors.Where(error => error != PostgresErrorCodes.ReadOnlySqlTransaction);

    public int TurnedAway => errors.Count(error => error == PostgresErrorCodes.ReadOnlySqlTransaction);

    /// <summary>Waits until it has written some more.</summary>
    public async Task ResumeAsync()
    {
        var goal = Count + 5;
        await Waiting.UntilAsync(
            () => Count >= goal,
            () => "The writer stands still: " + string.Join(", ", errors.Take(5))
        );
    }

    /// <summary>
    /// Stops it; what was acknowledged stands in the database that owns the tenant, once, and nothing that it never
    /// tried.
    /// </summary>
    public async Task StopAsync()
    {
        await ResumeAsync();
        await DisposeAsync();
        var titles = await (await move.IsIsolatedAsync() ? move.Isolated : move.Shared).QueryAsync<string>(
            "SELECT title FROM tasks WHERE title LIKE 'written %'"
        );
        Assert.Empty(acknowledged.Except(titles));
        Assert.Empty(titles.Except(acknowledged).Except(unknown));
        Assert.Equal(titles.Distinct().Count(), titles.Count);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
    }

    static string Unpooled(TestDatabase database) =>
        new NpgsqlConnectionStringBuilder(database.ConnectionString()) { Pooling = false }.ConnectionString;

    async Task RunAsync()
    {
        for (var n = 0; !stop.IsCancellationRequested; n++)
        {
            var title = $"written {n}";
            var sent = false;
            try
            {
                await using var connection = new NpgsqlConnection(Unpooled(isolated ? move.Isolated : move.Shared));
                await connection.OpenAsync();
                sent = true;
                await connection.ExecuteAsync("INSERT INTO tasks (tenant_id, title) VALUES (1, @title)", new { title });
                acknowledged.Add(title);
            }
            catch (PostgresException e)
                when (e.SqlState is PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.SerializationFailure
                )
            {
                errors.Add(e.SqlState);
                await LookUpAsync();
            }
            catch (NpgsqlException e)
            {
                if (sent)
                    unknown.Add(title);
                errors.Add((e as PostgresException)?.SqlState ?? e.Message);
                await LookUpAsync();
            }
            await Task.Delay(5);
        }
    }

    async Task LookUpAsync()
    {
        try
        {
            isolated = await move.IsIsolatedAsync();
        }
        catch (NpgsqlException)
        {
            // The next write tells.
        }
    }

    /// <summary>A shared database on a server of the test's own.</summary>
    public static async Task<TenantMove> MoveOnAsync(
        EmbeddedCluster shared,
        EmbeddedCluster server,
        string? schema = null
    )
    {
        var database = await TestDatabase.CreateAsync(shared, Servers.NewName("fault"), Servers.Admin);
        var slug = database.Name.Replace('_', '-');
        await database.ExecuteAsync(
            $$"""
            CREATE TABLE tenants (
                id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, plan text NOT NULL DEFAULT 'team',
                status text NOT NULL DEFAULT 'active',
                isolation_mode text NOT NULL DEFAULT 'shared', settings jsonb NOT NULL DEFAULT '{}',
                created_at timestamptz NOT NULL DEFAULT '2024-01-01',
                updated_at timestamptz NOT NULL DEFAULT '2024-01-02');
            INSERT INTO tenants (id, slug) VALUES (1, '{{slug}}'), (2, '{{slug}}-b');
            {{schema ?? Schema}}
            """
        );
        return new(database, slug, server);
    }

    public const string Schema = """
        CREATE TABLE tasks (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            title text NOT NULL, document text);
        ALTER TABLE tasks ALTER document SET STORAGE EXTERNAL;
        CREATE TABLE comments (id bigint PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, body text);
        CREATE TABLE events (
            id bigint NOT NULL, tenant_id bigint NOT NULL, at date NOT NULL, PRIMARY KEY (id, at)
        ) PARTITION BY RANGE (at);
        CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE labels (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, label text);
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.title := NEW.title || '.'; RETURN NEW; END $$;
        CREATE TRIGGER stamp BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION stamp();
        INSERT INTO tasks (tenant_id, title, document) SELECT 1 + n % 2, 'task ' || n, repeat(md5(n::text), 100)
            FROM generate_series(1, 200) n;
        INSERT INTO comments SELECT id, id, 'comment' FROM tasks;
        INSERT INTO events SELECT n, 1 + n % 2, '2024-05-01' FROM generate_series(1, 50) n;
        INSERT INTO labels SELECT n, 1 + n % 2, 'label' FROM generate_series(1, 20) n;
        """;
}
