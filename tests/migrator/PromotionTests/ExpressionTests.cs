using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.PromotionTests;

/// <summary>
/// Functions of the application that run while rows are copied: Preflight names the table, the object and the cure, and
/// with the cure the tenant goes and comes back.
/// </summary>
[EveryVersion]
public sealed class ExpressionTests(Servers servers)
{
    const string Inner =
        "CREATE FUNCTION norm_inner(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(trim(t)) $$;";

    // Since version 17 no index can be made of a function that needs a search_path, but a function may come to need one.
    const string Index =
        Inner
        + "CREATE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT public.norm_inner(t) $$;"
        + "CREATE TABLE page (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, title text);"
        + "CREATE INDEX by_norm ON page (norm(title));"
        + "CREATE OR REPLACE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT norm_inner(t) $$;"
        + "INSERT INTO page SELECT n, 1 + n % 2, ' T ' || n FROM generate_series(1, 20) n;";

    const string Generated =
        Inner
        + "CREATE FUNCTION slugify(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN norm_inner(t); END $$;"
        + "CREATE TABLE page (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, title text,"
        + " slug text GENERATED ALWAYS AS (slugify(title)) STORED);"
        + "INSERT INTO page SELECT n, 1 + n % 2, ' T ' || n FROM generate_series(1, 20) n;";

    const string Check =
        Inner
        + "CREATE FUNCTION fits(t text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT norm_inner(t) <> '' $$;"
        + "CREATE TABLE page (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, title text,"
        + " CONSTRAINT fitting CHECK (fits(title)));"
        + "INSERT INTO page SELECT n, 1 + n % 2, ' T ' || n FROM generate_series(1, 20) n;";

    // The tables are filled side by side: the quota may come after the booking.
    const string Reading =
        "CREATE TABLE quota (tenant_id bigint PRIMARY KEY REFERENCES tenants, most int);"
        + "INSERT INTO quota SELECT id, 1000 FROM tenants;"
        + "CREATE FUNCTION seats_ok(t bigint, s int) RETURNS boolean LANGUAGE sql STABLE SET search_path = public"
        + " AS $$ SELECT EXISTS (SELECT FROM public.quota q WHERE q.tenant_id = t AND q.most >= s) $$;"
        + "CREATE TABLE page (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, title text, seats int DEFAULT 1,"
        + " CONSTRAINT seated CHECK (seats_ok(tenant_id, seats)));"
        + "INSERT INTO page SELECT n, 1 + n % 2, 't', n FROM generate_series(1, 20) n;";

    [Theory]
    [InlineData(
        Index,
        "The index by_norm of public.page",
        "ALTER FUNCTION public.norm(t text) SET search_path = public"
    )]
    [InlineData(
        Generated,
        "The column slug of public.page",
        "ALTER FUNCTION public.slugify(t text) SET search_path = public"
    )]
    [InlineData(
        Check,
        "The constraint fitting of public.page",
        "ALTER FUNCTION public.fits(t text) SET search_path = public"
    )]
    [InlineData(
        Reading,
        "The CHECK seated of public.page calls a function that reads public.quota",
        "ALTER TABLE page DROP CONSTRAINT seated, ADD CONSTRAINT seated CHECK (seats_ok(tenant_id, seats)) NOT VALID"
    )]
    public async Task A_function_that_cannot_run_is_named_with_its_cure(string schema, string named, string cure)
    {
        await using var move = await TenantMove.CreateAsync(servers, schema);

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Equal(ExitCode.Refused, refused.Code);
        Assert.Contains(named, refused.Message);
        if (!cure.StartsWith("ALTER TABLE", StringComparison.Ordinal))
            Assert.Contains(cure, refused.Message);
        await move.Shared.ExecuteAsync(cure);
        await move.PromoteAsync(validate: false);
        await move.Isolated.ExecuteAsync(
            "UPDATE page SET title = title || ' more'; INSERT INTO page (id, tenant_id, title) VALUES (99, 1, 'x')"
        );
        await move.RollBackAsync();
        Assert.Equal(11, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM page WHERE tenant_id = 1"));
    }

    [Fact]
    public async Task The_path_of_the_applications_own_sessions_is_proposed()
    {
        await using var move = await TenantMove.CreateAsync(servers, Index);
        await move.Shared.ExecuteAsync($"ALTER DATABASE \"{move.Shared.Name}\" SET search_path = app, public");

        var refused = await Assert.ThrowsAsync<MigratorException>(() => move.PromoteAsync());

        Assert.Contains("SET search_path = app, public;", refused.Message);
    }
}
