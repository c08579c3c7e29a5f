using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Online;

/// <summary>
/// The online way with a quiet tenant: everything arrives, everything comes home, nothing is left behind.
/// </summary>
[EveryVersion]
public sealed class OnlinePromotionTests(Servers servers)
{
    const string Schema = """
        CREATE TABLE tasks (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,
            title text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(), UNIQUE (tenant_id, title));
        CREATE TABLE comments (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(), task_id bigint NOT NULL REFERENCES tasks ON DELETE CASCADE,
            body text);
        CREATE TABLE nameless (tenant_id bigint NOT NULL REFERENCES tenants, what text);
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
        CREATE TRIGGER stamp BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION stamp();
        CREATE TRIGGER stamp BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION stamp();
        INSERT INTO tasks (tenant_id, title) SELECT 1 + n % 2, 'task ' || n FROM generate_series(1, 200) n;
        INSERT INTO comments (task_id, body) SELECT id, 'comment' FROM tasks, generate_series(1, 3);
        INSERT INTO nameless SELECT 1 + n % 2, 'thing ' || n % 5 FROM generate_series(1, 20) n;
        """;

    [Fact]
    public async Task A_promotion_and_a_rollback_by_stream_keep_every_row_and_leave_nothing()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, servers.Dedicated);
        move.Mode = PromotionOptions.Online;

        await move.PromoteAsync();
        Assert.Equal("moved", await move.GuardAsync());
        // The flip is neither a change of the tenant's, nor one for the stream.
        foreach (var side in (TestDatabase[])[move.Shared, move.Isolated])
            Assert.Equal(
                "2024-01-02",
                await side.ScalarAsync<string>("SELECT updated_at::date::text FROM tenants WHERE id = 1")
            );
        await move.Isolated.ExecuteAsync(
            """
            INSERT INTO tasks (tenant_id, title) VALUES (1, 'born apart');
            UPDATE tasks SET title = title || ' II' WHERE id < 40;
            DELETE FROM tasks WHERE id BETWEEN 50 AND 60;
            INSERT INTO nameless VALUES (1, 'apart');
            """
        );
        var tasks = await move.Isolated.QueryAsync<string>("SELECT t::text FROM tasks t ORDER BY id");
        var comments = await move.Isolated.QueryAsync<string>("SELECT c::text FROM comments c ORDER BY id");

        await move.RollBackAsync();
        Assert.Contains(PhaseName.CatchUpReverse, move.Watched.Phases);
        Assert.DoesNotContain(PhaseName.ReconcileShared, move.Watched.Phases);
        Assert.Equal(
            tasks,
            await move.Shared.QueryAsync<string>("SELECT t::text FROM tasks t WHERE tenant_id = 1 ORDER BY id")
        );
        Assert.Equal(
            comments,
            await move.Shared.QueryAsync<string>(
                "SELECT c::text FROM comments c JOIN tasks t ON t.id = c.task_id WHERE t.tenant_id = 1 ORDER BY c.id"
            )
        );
        Assert.Equal(11, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM nameless WHERE tenant_id = 1"));
        Assert.Empty(await TenantMove.TracesAsync(move.Shared));
        // Whoever still has the old route is turned away there.
        Assert.Equal("moved", await move.Isolated.ScalarAsync<string>("SELECT state FROM tenant_promotion.guard"));
    }
}
