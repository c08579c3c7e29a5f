using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Tests.Support;

namespace Migrator.Tests.Scope;

/// <summary>An example of docs/scope.md, and a tenant that moves by it, there and back and for good.</summary>
/// <param name="Section">The section of docs/scope.md whose tenancy.json it is.</param>
/// <param name="Schema">The tables and their rows.</param>
/// <param name="Mine">For each table the rows of tenant 1, by a query of the test's own.</param>
public sealed partial record ScopePattern(string Section, string Schema, (string Table, string Mine)[] Mine)
{
    /// <summary>What the tenant's application and others do in the shared database while the stream follows.</summary>
    public string Meanwhile { get; init; } = "";

    /// <summary>What the tenant's application does in the isolated database.</summary>
    public string There { get; init; } = "";

    /// <summary>The section's settings, with what else the schema needs.</summary>
    public Tenancy Tenancy
    {
        get => field ?? TenancyOf(Section);
        init;
    }

    public string Mode { get; init; } = PromotionOptions.Online;

    /// <summary>Rows that are copied although they are not the tenant's.</summary>
    public (string Table, string Which)[] Along { get; init; } = [];

    public static Tenancy TenancyOf(string section, [CallerFilePath] string file = "")
    {
        var docs = Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "docs", "scope.md");
        var text = File.ReadAllText(docs);
        var start = text.IndexOf($"\n## {section}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"docs/scope.md has no section {section}");
        return Parse(JsonBlock().Match(text, start).Groups[1].Value);
    }

    /// <summary>The settings that a file of this content would give.</summary>
    public static Tenancy Parse(string json)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, json);
            return MigratorSettings.Read(path, null, null).Tenancy;
        }
        finally
        {
            File.Delete(path);
        }
    }

    public Task<TenantMove> CreateAsync(Servers servers) => TenantMove.CreateAsync(servers, Schema, tenancy: Tenancy);

    /// <summary>Promotes, rolls back, promotes again and finalizes; compares the rows after each.</summary>
    public async Task MoveAsync(Servers servers)
    {
        await using var move = await CreateAsync(servers);
        move.Mode = Mode;
        if (Meanwhile.Length > 0)
            await move.PromoteMeddledAsync(
                Mode == PromotionOptions.Online ? PhaseName.CatchUp : PhaseName.CopyData,
                () => move.Shared.ExecuteAsync(Meanwhile),
                move.Options(validate: true)
            );
        else
            await move.PromoteAsync();
        Assert.Equal(
            await EachAsync(table => RowsAsync(move.Shared, table.Table, $"({table.Mine}) OR {AlongOf(table.Table)}")),
            await EachAsync(table => RowsAsync(move.Isolated, table.Table, "true"))
        );

        var others = await EachAsync(table => RowsAsync(move.Shared, table.Table, $"({table.Mine}) IS NOT TRUE"));
        if (There.Length > 0)
            await move.Isolated.ExecuteAsync(There);
        var there = await ThereAsync(move);
        await move.RollBackAsync();
        Assert.Equal(there, await EachAsync(table => RowsAsync(move.Shared, table.Table, table.Mine)));
        Assert.Equal(
            others,
            await EachAsync(table => RowsAsync(move.Shared, table.Table, $"({table.Mine}) IS NOT TRUE"))
        );

        await move.PromoteAsync();
        Assert.Equal(there, await ThereAsync(move));
        await move.FinalizeAsync(batchSize: 3);
        Assert.Equal(others, await EachAsync(table => RowsAsync(move.Shared, table.Table, "true")));
        Assert.Equal(there, await ThereAsync(move));
    }

    string AlongOf(string table) =>
        $"({Along.Where(one => one.Table == table).Select(one => one.Which).SingleOrDefault("false")})";

    Task<string[]> ThereAsync(TenantMove move) =>
        EachAsync(table => RowsAsync(move.Isolated, table.Table, $"{AlongOf(table.Table)} IS NOT TRUE"));

    static async Task<string[]> RowsAsync(TestDatabase database, string table, string which) =>
        [.. await database.QueryAsync<string>($"SELECT '{table} ' || t::text FROM {table} t WHERE {which} ORDER BY 1")];

    async Task<string[]> EachAsync(Func<(string Table, string Mine), Task<string[]>> rows)
    {
        var all = new List<string>();
        foreach (var table in Mine)
            all.AddRange(await rows(table));
        return [.. all];
    }

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();
}
