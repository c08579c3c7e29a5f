using Migrator.Model;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>Rows of tables without owners: how many go along that are perhaps others', and what is in them, is said aloud.</summary>
public sealed class UnownedRowsTests(Servers servers)
{
    // Ten of thirty people and one of three plans are tenant 1's to name; plan 3 is named by nobody.
    const string Schema = """
        CREATE TABLE plans (id int PRIMARY KEY, name text);
        CREATE TABLE people (id int PRIMARY KEY, email text, password_digest text, plan_id int REFERENCES plans);
        CREATE TABLE memberships (tenant_id bigint NOT NULL REFERENCES tenants, person_id int NOT NULL REFERENCES people,
            PRIMARY KEY (tenant_id, person_id));
        INSERT INTO plans SELECT n, 'p' FROM generate_series(1, 3) n;
        INSERT INTO people SELECT n, 'p' || n || '@x', 'd', CASE WHEN n <= 10 THEN 1 ELSE 2 END FROM generate_series(1, 30) n;
        INSERT INTO memberships SELECT CASE WHEN n <= 10 THEN 1 ELSE 2 END, n FROM generate_series(1, 30) n;
        """;

    const string Whole = """{ "reference": ["public.people", "public.plans"] }""";

    const string Shared = """
        { "tables": { "public.people": { "shared_through": ["public.memberships.person_id"] }, "public.plans": "reference" } }
        """;

    [Fact]
    public async Task Strangers_of_a_reference_table_are_counted_in_plan_validation_and_report()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: ScopePattern.Parse(Whole));
        var folder = Directory.CreateTempSubdirectory("migrator-tests-");
        try
        {
            var settings = Path.Combine(folder.FullName, "tenancy.json");
            var report = Path.Combine(folder.FullName, "report.md");
            await File.WriteAllTextAsync(settings, Whole, TestContext.Current.CancellationToken);
            string[] promote = ["promote", $"--tenant-slug={move.Slug}", "--settings", settings];

            var plan = (await InjectedFault.RunAsync(move, 0, [.. promote, "--dry-run"]))["tables"]!.AsArray();
            var people = plan.Single(one => (string)one!["table"]! == "public.people")!;
            Assert.Equal(20, (int)people["unnamed"]!);
            Assert.Equal(
                ["email", "password_digest"],
                people["private_columns"]!.AsArray().Select(one => (string)one!)
            );
            Assert.Null(plan.Single(one => (string)one!["table"]! == "public.memberships")!["unnamed"]);
            var (_, shown, _) = await InjectedFault.SayAsync(move, [.. promote, "--dry-run"]);
            Assert.Contains("no row of the tenant names 20 of 30", Words(shown));

            var (code, output, error) = await InjectedFault.SayAsync(
                move,
                [.. promote, "--confirm", "--report", report]
            );
            Assert.True(code == 0, error);
            const string said =
                "no row of the tenant names 20 of 30 rows of public.people (rows of other tenants name 20), "
                + "which have columns that look private: email, password_digest";
            Assert.Contains(said, Words(output));
            var written = await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken);
            Assert.Contains("| security | no row of another tenant | measured |", written);
            Assert.Contains(said, written);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Whoever is named by a person of the tenant's is not a stranger.
    [Fact]
    public async Task A_shared_table_takes_no_strangers_along_and_its_private_columns_are_named()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: ScopePattern.Parse(Shared));

        var result = await move.PreflightAsync();

        Assert.Equal(
            [("public.people", 10L, 0L), ("public.plans", 3L, 2L)],
            result.Unowned.Select(one => (one.Table.Name.ToString(), one.Rows, one.Unnamed))
        );
        Assert.Contains(
            result.Warnings,
            said =>
                said.StartsWith("public.people is shared with other tenants: the 10 rows", StringComparison.Ordinal)
                && said.Contains("email, password_digest", StringComparison.Ordinal)
        );
        await move.PromoteAsync();
        var check = CheckOf(move);
        Assert.Equal(CheckOutcome.Measured, check.Outcome);
        Assert.Contains(
            "no row of the tenant names 2 of 3 rows of public.plans (rows of other tenants name 1)",
            check.Detail
        );
        Assert.DoesNotContain("public.people", check.Detail);
    }

    // The lists that somebody fills in the isolated database are not looked at as others' rows.
    [Fact]
    public async Task A_stranger_in_a_shared_table_is_told_by_the_validation()
    {
        await using var move = await TenantMove.CreateAsync(servers, Schema, tenancy: ScopePattern.Parse(Shared));
        await move.PromoteMeddledAsync(
            PhaseName.Validate,
            () => move.Isolated.ExecuteAsync("INSERT INTO people VALUES (15, 'p15@x', 'd')"),
            move.Options(validate: true)
        );

        var check = CheckOf(move);

        Assert.Equal(CheckOutcome.Measured, check.Outcome);
        Assert.Contains("no row of the tenant names 1 of 11 rows of public.people, which", check.Detail);
    }

    static Check CheckOf(TenantMove move) =>
        Assert.Single(move.Watched.Checks, check => check.Name == "no row of another tenant");

    // A line as it was before a terminal broke it, in a table or not.
    static string Words(string shown) =>
        string.Join(' ', shown.Split([' ', '\n', '│', '\r'], StringSplitOptions.RemoveEmptyEntries));
}
