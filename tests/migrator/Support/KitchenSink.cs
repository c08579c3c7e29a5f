using Migrator.Embedded;

namespace Migrator.Tests.Support;

/// <summary>The type of the tenants' key.</summary>
public enum KeyType
{
    /// <summary>uuid.</summary>
    Uuid,

    /// <summary>text, with everything in it that needs quoting.</summary>
    Text,

    /// <summary>bigint, with the largest as the tenant's.</summary>
    BigInt,
}

/// <summary>
/// A shared database with everything in it: kitchen-sink.sql, for three tenants, of which <see cref="Slug"/> is the one
/// to promote.
/// </summary>
public sealed class KitchenSink : IAsyncDisposable
{
    readonly Servers servers;
    readonly string suffix;

    KitchenSink(Servers servers, TestDatabase database, string[] keys, string suffix)
    {
        this.servers = servers;
        this.suffix = suffix;
        Database = database;
        Keys = keys;
    }

    /// <summary>Tables to be named as reference tables in the settings.</summary>
    public static IReadOnlyList<string> ReferenceTables { get; } = ["sink.countries"];

    /// <summary>Tables to be named as ignored in the settings.</summary>
    public static IReadOnlyList<string> IgnoredTables { get; } = ["sink.ignored"];

    /// <summary>The database.</summary>
    public TestDatabase Database { get; }

    /// <summary>The keys of the tenants acme, bolt and cafe, as text.</summary>
    public IReadOnlyList<string> Keys { get; }

    /// <summary>The slug of the tenant to promote; no two kitchen sinks share one.</summary>
    public string Slug => "acme" + suffix;

    /// <summary>The key of the tenant to promote, as text.</summary>
    public string Key => Keys[0];

    /// <summary>The name of the database that a promotion creates; dropped on dispose, wherever it is.</summary>
    public string TargetName => $"tenant_{Slug.Replace('-', '_')}";

    /// <summary>The isolated database on one of the two servers.</summary>
    public TestDatabase TargetOn(EmbeddedCluster cluster) => new(cluster, TargetName, Database.Owner);

    /// <summary>Creates and fills the database.</summary>
    /// <param name="servers">The servers.</param>
    /// <param name="keyType">The type of the tenants' key.</param>
    /// <param name="forceRowSecurity">Some tables have FORCE ROW LEVEL SECURITY, and the owner bypasses it.</param>
    /// <param name="otherOwner">One table belongs to a group of which the owner is only a member.</param>
    public static async Task<KitchenSink> CreateAsync(
        Servers servers,
        KeyType keyType = KeyType.Uuid,
        bool forceRowSecurity = false,
        bool otherOwner = true
    )
    {
        var owner = forceRowSecurity ? Servers.BypassingAdmin : Servers.Admin;
        var name = Servers.NewName("sink");
        var database = await TestDatabase.CreateAsync(servers.Shared, name, owner);
        var sink = new KitchenSink(servers, database, KeysOf(keyType), name["sink".Length..].Replace('_', '-'));
        try
        {
            await sink.FillAsync([
                $"key_type={keyType.ToString().ToLowerInvariant()}",
                $"a={sink.Keys[0]}",
                $"b={sink.Keys[1]}",
                $"c={sink.Keys[2]}",
                $"suffix={sink.suffix}",
                $"force_row_security={OnOff(forceRowSecurity)}",
                $"other_owner={OnOff(otherOwner)}",
            ]);
            return sink;
        }
        catch
        {
            await sink.DisposeAsync();
            throw;
        }
    }

    static string[] KeysOf(KeyType keyType) =>
        keyType switch
        {
            KeyType.Uuid =>
            [
                "aaaaaaaa-0000-4000-8000-00000000000a",
                "bbbbbbbb-0000-4000-8000-00000000000b",
                "cccccccc-0000-4000-8000-00000000000c",
            ],
            KeyType.Text => ["""it's "a" {1} \ ünï""", "B", "b "],
            _ => [$"{long.MaxValue}", "-1", "0"],
        };

    async Task FillAsync(IEnumerable<string> variables)
    {
        // The extensions belong to the superuser, as they do on a server that others run.
        await Database.ExecuteAsync(
            $"""
            CREATE SCHEMA ext AUTHORIZATION {Database.Owner};
            CREATE EXTENSION hstore SCHEMA ext;
            CREATE EXTENSION citext;
            CREATE EXTENSION btree_gist;
            CREATE EXTENSION pg_trgm;
            """,
            role: EmbeddedCluster.Superuser
        );
        await ClientProgram.RunAsync(
            Database,
            Database.Owner,
            "psql",
            ["-X", "-q", .. variables.SelectMany(variable => (string[])["-v", variable])],
            EmbeddedSql.Read("kitchen-sink.sql")
        );
    }

    /// <summary>
    /// For every table, and every view whose content is the tenant's, the rows that belong in the isolated database:
    /// written down here by hand, so that a fault in the migrator's scope rules cannot hide itself.
    /// </summary>
    public static IReadOnlyList<TableRows> RowsOf(string key)
    {
        var literal = $"'{key.Replace("'", "''", StringComparison.Ordinal)}'";
        var direct = $"tenant_id::text = {literal}";
        return
        [
            new("public.tenants", $"id::text = {literal}"),
            new("public.schema_migrations", "true"),
            new("sink.countries", "true"),
            new("sink.ignored", "false"),
            .. DirectTables.Select(table => new TableRows(table, direct)),
            new("sink.remarks", $"card_id IN (SELECT id FROM sink.cards WHERE {direct})"),
            new(
                "sink.votes",
                $"remark_id IN (SELECT r.id FROM sink.remarks r JOIN sink.cards c ON c.id = r.card_id WHERE c.{direct})"
            ),
            new("sink.composite_grandchild", $"owner::text = {literal}"),
            new("sink.card_events", $"card_id IN (SELECT id FROM sink.cards WHERE {direct})"),
        ];
    }

    /// <summary>Drops the database and what was promoted from it.</summary>
    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await TargetOn(servers.Shared).DisposeAsync();
        await TargetOn(servers.Dedicated).DisposeAsync();
    }

    static readonly string[] DirectTables =
    [
        "sink.types",
        "sink.long_values",
        "sink.composite_parent",
        "sink.composite_child",
        "sink.no_key",
        "sink.only_tenant",
        "sink.by_default",
        "sink.unique_only",
        "sink.empty_everywhere",
        "sink.empty_for_a",
        "sink.loose",
        "sink.tree",
        "sink.departments",
        "sink.employees",
        "sink.cards",
        "sink.measurements",
        "sink.hashed",
        "sink.listed",
        "sink.history",
        "sink.kept",
        "sink.card_counts",
        "sink.a_summary",
        "\"Mixed Case\".\"Quoted \"\"Name\"\" Table\"",
        "\"Mixed Case\".\"order\"",
        "public.\"we.ird; na'me % {0} [red]x[/] $1 \\ --\"",
        "public.a234567890123456789012345678901234567890123456789012345678901_z",
    ];

    static string OnOff(bool value) => value ? "on" : "off";
}
