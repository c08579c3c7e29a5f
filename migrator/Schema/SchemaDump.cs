using System.Security.Cryptography;
using System.Text;
using Migrator.Connections;
using Migrator.Guarding;

namespace Migrator.Schema;

/// <summary>The shared schema as pg_dump writes it: what a change of it shows that no catalog query of ours looks at.</summary>
public static class SchemaDump
{
    // Between one object and the next pg_dump writes a comment that names the object.
    const string Border = "\n--\n";

    // Versions; what is for people; pg_repack's trigger, which is there while it works; the guard; default privileges, which
    // the catalog tells, without those of strangers.
    static readonly string[] PassedOver =
    [
        "-- Dumped ",
        "; Type: COMMENT;",
        "\nCOMMENT ON ",
        " repack_trigger",
        "; Type: DEFAULT ACL;",
        "\nALTER DEFAULT PRIVILEGES ",
        WriteGuard.TriggerPrefix,
    ];

    /// <summary>A hash of the dump, without what differs from one dump to the next, and without the guard.</summary>
    public static async Task<string> HashAsync(PgTools tools, Databases databases, CancellationToken cancellationToken)
    {
        string[] arguments = ["--schema-only", .. SchemaArchive.DumpedParts];
        var dump = await tools.RunAsync("pg_dump", databases.SharedServer, arguments, null, cancellationToken);
        var objects = dump.Split(Border).Where(text => !PassedOver.Any(text.Contains)).SelectMany(Lines);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', objects))));
    }

    // \restrict holds a random word, and a table stays clustered after CLUSTER.
    static IEnumerable<string> Lines(string text) =>
        text.Split('\n')
            .Where(line =>
                line.Length > 0 && line[0] != '\\' && !line.Contains(" CLUSTER ON ", StringComparison.Ordinal)
            );
}
