using Dapper;
using Migrator.Embedded;
using Migrator.Guarding;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Tests.Scope;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Guarding;

/// <summary>After finalize the shared database goes on refusing the tenant's rows, and nobody else's.</summary>
public sealed class FenceTests(Servers servers)
{
    const string Refused = PostgresErrorCodes.ReadOnlySqlTransaction;
    const string Done = "";

    const string Schema = """
        CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, body text);
        CREATE TABLE words (id bigint PRIMARY KEY, note_id bigint NOT NULL REFERENCES notes, word text);
        CREATE TABLE profiles (id bigint PRIMARY KEY, of_slug text NOT NULL REFERENCES tenants (slug), color text);
        CREATE TABLE badges (id bigint PRIMARY KEY, owner_id integer NOT NULL, label text);
        CREATE TABLE files (id bigint PRIMARY KEY, owner_kind text NOT NULL, owner_id bigint NOT NULL);
        CREATE TABLE days (day date NOT NULL, tenant_id bigint NOT NULL, PRIMARY KEY (day, tenant_id)) PARTITION BY RANGE (day);
        CREATE TABLE days_2024 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        INSERT INTO notes (tenant_id, body) SELECT 1 + n % 2, 'x' FROM generate_series(1, 20) n;
        INSERT INTO words SELECT id, id, 'w' FROM notes;
        INSERT INTO profiles SELECT id, slug, 'red' FROM tenants;
        INSERT INTO badges SELECT id, id, 'b' FROM tenants;
        INSERT INTO files SELECT id, 'tenant', id FROM tenants;
        INSERT INTO days SELECT date '2024-01-01' + n, 1 + n % 2 FROM generate_series(1, 10) n;
        """;

    // A rule is all that tells whose a badge or a file is.
    static readonly Tenancy Rules = ScopePattern.Parse(
        """
        {"tables": {
            "public.badges": {"belongs_to": "public.tenants", "by": {"owner_id": "id"}},
            "public.files": {"by_type": {
                "type": "owner_kind", "id": "owner_id", "to": {"tenant": "public.tenants", "note": "public.notes"}}}}}
        """
    );

    static IReadOnlyList<string> WritesOf(int tenant) =>
        [
            $"INSERT INTO notes (id, tenant_id) VALUES (900, {tenant})",
            $"UPDATE notes SET tenant_id = {tenant} WHERE tenant_id = 3 - {tenant}",
            $"INSERT INTO profiles SELECT 900, slug FROM tenants WHERE id = {tenant}",
            $"UPDATE profiles SET of_slug = (SELECT slug FROM tenants WHERE id = {tenant})",
            $"INSERT INTO badges VALUES (900, {tenant})",
            $"INSERT INTO files VALUES (900, 'tenant', {tenant})",
            $"INSERT INTO days VALUES ('2024-05-05', {tenant})",
            $"INSERT INTO days_2024 VALUES ('2024-05-05', {tenant})",
            $"UPDATE tenants SET plan = 'other' WHERE id = {tenant}",
            $"DELETE FROM tenants WHERE id = {tenant}",
        ];

    [Fact]
    public async Task A_stray_write_is_refused_as_before_finalize_and_another_tenants_is_not()
    {
        await using var move = await CreateAsync();
        await move.PromoteAsync(validate: false);
        await using var always = await move.Shared.OpenAsync(EmbeddedCluster.Superuser);
        await always.ExecuteAsync("SET session_replication_role = replica");
        await using var session = await move.Shared.OpenAsync();
        var guarded = await MessageAsync(session, WritesOf(1)[0]);

        await move.FinalizeAsync();

        Assert.Equal(guarded, await MessageAsync(session, WritesOf(1)[0]));
        foreach (var write in WritesOf(1))
        {
            Assert.Equal((write, Refused), (write, await StateAsync(session, write)));
            Assert.Equal((write, Refused), (write, await StateAsync(always, write)));
        }
        foreach (var write in WritesOf(2).Where(write => !write.StartsWith("DELETE FROM tenants")))
            Assert.Equal((write, Done), (write, await StateAsync(session, write)));
        // Whose the row is, its parent alone could tell.
        Assert.Equal(
            PostgresErrorCodes.ForeignKeyViolation,
            await StateAsync(session, "INSERT INTO words VALUES (900, 2000, 'w')")
        );
        Assert.Equal(Done, await StateAsync(session, "UPDATE words SET word = 'v'; DELETE FROM words"));
        // A partition of later on has the fence from its beginning.
        await move.Shared.ExecuteAsync(
            "CREATE TABLE days_2025 PARTITION OF days FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"
        );
        Assert.Equal(Refused, await StateAsync(session, "INSERT INTO days_2025 VALUES ('2025-05-05', 1)"));
    }

    [Fact]
    public async Task A_transaction_that_has_seen_the_time_before_the_move_does_not_write_after_it()
    {
        await using var move = await CreateAsync();
        await using var old = await move.Shared.OpenAsync();
        await old.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();

        Assert.Equal(
            PostgresErrorCodes.SerializationFailure,
            await SaveStateAsync(old, "INSERT INTO notes (id, tenant_id) VALUES (900, 1)")
        );
        Assert.Equal(Done, await SaveStateAsync(old, "INSERT INTO notes (id, tenant_id) VALUES (900, 2)"));
    }

    [Fact]
    public async Task Two_tenants_are_finalized_and_forgotten_at_once_and_nothing_is_left()
    {
        await using var move = await CreateAsync();
        var other = new TenantMove(move.Shared, move.Slug.Replace("acme", "bolt"), tenancy: Rules);
        try
        {
            await move.PromoteAsync(validate: false);
            await other.PromoteAsync(validate: false);

            await Task.WhenAll(move.FinalizeAsync(), other.FinalizeAsync());

            await using var session = await move.Shared.OpenAsync();
            foreach (var tenant in (int[])[1, 2])
                Assert.Equal(Refused, await StateAsync(session, WritesOf(tenant)[0]));
            Assert.Empty(await TracesAsync(move, fenced: true));

            await move.ForgetAsync();

            Assert.Equal(Done, await StateAsync(session, WritesOf(1)[0]));
            Assert.Equal(Refused, await StateAsync(session, WritesOf(2)[0]));
            Assert.Null(await move.GuardAsync());

            // Whoever lowers the fence takes the sequence of a tenant that is forgotten, at any moment.
            await using (await session.BeginTransactionAsync())
            {
                await session.ExecuteAsync(
                    $"""DROP SEQUENCE tenant_promotion."{WriteGuard.PrefixOf("1")}_attention" """
                );
                await move.ForgetAsync();
            }

            await Task.WhenAll(other.ForgetAsync(), move.ForgetAsync());

            Assert.Equal(Done, await StateAsync(session, WritesOf(2)[0]));
            Assert.Empty(await TracesAsync(move));
            Assert.Equal(0, await LeftAsync(move));
        }
        finally
        {
            await other.Isolated.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(PromotionOptions.Online)]
    [SoakData(PromotionOptions.Fenced)]
    public async Task A_tenant_comes_home_through_the_fence_and_moves_again(string mode)
    {
        await using var move = await CreateAsync();
        var other = new TenantMove(move.Shared, move.Slug.Replace("acme", "bolt"), tenancy: Rules) { Mode = mode };
        move.Mode = mode;
        try
        {
            await other.PromoteAsync(validate: false);
            await other.FinalizeAsync();
            await move.PromoteAsync(validate: false);
            await move.FinalizeAsync();
            await move.Isolated.ExecuteAsync("INSERT INTO notes (id, tenant_id) VALUES (700, 1)");

            await move.RollBackAsync();

            await using var session = await move.Shared.OpenAsync();
            Assert.Equal(Done, await StateAsync(session, WritesOf(1)[0]));
            Assert.Equal(Refused, await StateAsync(session, WritesOf(2)[0]));
            Assert.Equal(11, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM notes"));
            await move.PromoteAsync(validate: false);
            Assert.Equal(Refused, await StateAsync(session, WritesOf(1)[0]));
            await move.FinalizeAsync();
            Assert.Equal(Refused, await StateAsync(session, WritesOf(1)[0]));
            await move.RollBackAsync();
            await other.RollBackAsync();
            Assert.Empty(await TracesAsync(move));
            Assert.Equal(0, await LeftAsync(move));
        }
        finally
        {
            await other.Isolated.DisposeAsync();
        }
    }

    [Fact]
    public async Task Only_a_finalized_tenant_is_forgotten_and_only_a_forgotten_one_is_promoted_anew()
    {
        await using var move = await CreateAsync();
        Assert.Equal(ExitCode.Refused, (await Assert.ThrowsAsync<MigratorException>(() => move.ForgetAsync())).Code);
        await move.PromoteAsync(validate: false);
        Assert.Equal(ExitCode.Refused, (await Assert.ThrowsAsync<MigratorException>(() => move.ForgetAsync())).Code);
        Assert.Equal("moved", await move.GuardAsync());
        await move.FinalizeAsync();
        Assert.Empty((await InjectedFault.RunAsync(move, 0, "doctor"))["leftovers"]!.AsArray());
        var status = await InjectedFault.RunAsync(move, 0, "status", "--tenant-slug", move.Slug);
        Assert.Empty(status["warnings"]!.AsArray());
        Assert.Equal("moved", (string?)status["guard"]);
        // Somebody brings the tenant back by hand.
        await move.Shared.ExecuteAsync(
            "ALTER TABLE tenants DISABLE TRIGGER ALL; UPDATE tenants SET isolation_mode = 'shared'; ALTER TABLE tenants ENABLE TRIGGER ALL",
            role: EmbeddedCluster.Superuser
        );
        await move.Isolated.DisposeAsync();

        var fenced = await move.PreflightAsync();
        Assert.Contains(fenced.Faults, fault => fault.Contains($"migrator forget --tenant-slug={move.Slug}"));

        await InjectedFault.RunAsync(move, 0, "forget", "--tenant-slug", move.Slug, "--confirm");
        await move.Shared.ExecuteAsync("INSERT INTO notes (tenant_id) VALUES (1)");
        await move.PromoteAsync(validate: false);
        Assert.Equal(1, await move.Isolated.ScalarAsync<long>("SELECT count(*) FROM notes"));
    }

    Task<TenantMove> CreateAsync() => TenantMove.CreateAsync(servers, Schema, tenancy: Rules);

    // Sessions end a moment after the verb that had them.
    static async Task<IReadOnlyList<string>> TracesAsync(TenantMove move, bool fenced = false)
    {
        foreach (var slug in (string[])[move.Slug, move.Slug.Replace("acme", "bolt")])
            await Waiting.UntilSessionsEndAsync(move.Shared, slug);
        return await TenantMove.TracesAsync(move.Shared, fenced);
    }

    static Task<long> LeftAsync(TenantMove move) =>
        move.Shared.ScalarAsync<long>(
            """
            SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE '~tenant\_promotion%')
                 + (SELECT count(*) FROM tenant_promotion.guard)
            """
        );

    static async Task<string?> MessageAsync(NpgsqlConnection session, string write) =>
        (await Assert.ThrowsAsync<PostgresException>(() => session.ExecuteAsync(write))).MessageText;

    // The SQLSTATE of a write that is undone.
    static async Task<string> StateAsync(NpgsqlConnection session, string write)
    {
        await using var transaction = await session.BeginTransactionAsync(TestContext.Current.CancellationToken);
        return await SaveStateAsync(session, write);
    }

    static async Task<string> SaveStateAsync(NpgsqlConnection session, string write)
    {
        await session.ExecuteAsync("SAVEPOINT before");
        try
        {
            await session.ExecuteAsync(write);
            return Done;
        }
        catch (PostgresException e)
        {
            await session.ExecuteAsync("ROLLBACK TO before");
            return e.SqlState;
        }
    }
}
