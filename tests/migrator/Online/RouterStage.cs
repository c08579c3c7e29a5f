using Migrator.Demo;
using Migrator.Tests.Support;
using Npgsql;
using TenantRouting;

namespace Migrator.Tests.Online;

/// <summary>A tenant that is in one of two databases, and the sample's router in front of them.</summary>
sealed class RouterStage : IAsyncDisposable
{
    public const string Tenant = "1";

    const string Schema = """
        CREATE TABLE tenants (id bigint PRIMARY KEY, slug text, isolation_mode text, settings jsonb);
        INSERT INTO tenants VALUES (1, 'acme', 'shared', '{}');
        ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON tenants
            USING (id = NULLIF(current_setting('app.current_tenant_id', true), '')::bigint);
        CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, how text);
        CREATE FUNCTION fail(state text) RETURNS void LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = state; END $$;
        CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.how = 'die' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
                IF NEW.how ~ '^[0-9]' THEN PERFORM fail(NEW.how); END IF;
                RETURN NULL;
            END $$;
        CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION at_commit();
        GRANT SELECT ON tenants TO application_role;
        GRANT SELECT, INSERT ON notes TO application_role;
        """;

    readonly NpgsqlDataSource source;

    public RouterStage(TestDatabase shared, TestDatabase isolated, TimeSpan timeout)
    {
        (Shared, Isolated) = (shared, isolated);
        source = NpgsqlDataSource.Create(shared.ConnectionString(SampleDatabase.Application));
        Router = new(
            source,
            name => NpgsqlDataSource.Create(isolated.Cluster.ConnectionString(name, SampleDatabase.Application))
        )
        {
            Timeout = timeout,
        };
    }

    public static async Task<RouterStage> CreateAsync(Servers servers, TimeSpan? timeout = null)
    {
        var shared = await servers.NewDatabaseAsync(prefix: "routes");
        var isolated = await servers.NewDatabaseAsync(prefix: "routed");
        foreach (var database in new[] { shared, isolated })
            await database.ExecuteAsync(Schema);
        return new(shared, isolated, timeout ?? Waiting.Limit);
    }

    public TestDatabase Shared { get; }

    public TestDatabase Isolated { get; }

    public TenantRouter Router { get; }

    public Task<string> WhereAsync() =>
        Router.RunAsync(Tenant, (connection, _) => Task.FromResult(connection.Database));

    public Task RouteAsync(bool isolated) =>
        Shared.ExecuteAsync(
            "UPDATE tenants SET isolation_mode = @mode, settings = @settings::jsonb",
            isolated
                ? new
                {
                    mode = "isolated",
                    settings = $$$"""{"isolation": {"isolated_db_name": "{{{Isolated.Name}}}"}}""",
                }
                : new { mode = "shared", settings = "{}" }
        );

    /// <summary>
    /// A route is not remembered before the router listens: until then a silent change is seen at once.
    /// </summary>
    public async Task UntilRememberedAsync()
    {
        var before = "";
        await Waiting.UntilAsync(async () =>
        {
            before = await WhereAsync();
            await RouteAsync(isolated: before == Shared.Name);
            return await WhereAsync() == before;
        });
        await RouteAsync(isolated: false);
        if (before == Shared.Name)
            return;
        await Shared.ExecuteAsync("NOTIFY tenant_routing, 'acme'");
        await Waiting.UntilAsync(async () => await WhereAsync() == Shared.Name);
    }

    /// <summary>The server has refused a connection twice: between the two the router has asked for the route again.</summary>
    public Task UntilRefusedAsync(string reason) =>
        Waiting.UntilAsync(
            async () => (await File.ReadAllTextAsync(Isolated.Cluster.LogFile)).Split($"FATAL:  {reason}").Length > 2,
            () => $"The server has not said '{reason}' twice."
        );

    public async Task<(int Shared, int Isolated)> NotesAsync() =>
        (
            await Shared.ScalarAsync<int>("SELECT count(*) FROM notes"),
            await Isolated.ScalarAsync<int>("SELECT count(*) FROM notes")
        );

    public async ValueTask DisposeAsync()
    {
        await Router.DisposeAsync();
        await source.DisposeAsync();
        await Shared.DisposeAsync();
        await Isolated.DisposeAsync();
    }
}
