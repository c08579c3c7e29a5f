using System.Security.Cryptography;
using System.Text;
using Migrator.Connections;
using Migrator.Guarding;

namespace Migrator.Schema;

/// <summary>The shared schema as pg_dump writes it: what a change of it shows that no catalog query of ours looks at.</summary>
public static class SchemaDump
{
    // Comments tell versions, or are for people; \restrict holds a random word; a table stays clustered after CLUSTER, and
    // pg_repack has a trigger of its own while it works. With a space: anywhere in the line.
    static readonly string[] PassedOver =
    [
        "--",
        "\\",
        "COMMENT ON ",
        " CLUSTER ON ",
        " repack_trigger",
        " " + WriteGuard.TriggerPrefix,
    ];

    /// <summary>A hash of the dump, without what differs from one dump to the next, and without the guard.</summary>
    public static async Task<string> HashAsync(PgTools tools, Databases databases, CancellationToken cancellationToken)
    {
        string[] arguments = ["--schema-only", .. SchemaArchive.DumpedParts];
        var dump = await tools.RunAsync("pg_dump", databases.SharedServer, arguments, null, cancellationToken);
        var lines = dump.Split('\n').Where(line => line.Length > 0 && !PassedOver.Any(start => IsOf(line, start)));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))));
    }

    static bool IsOf(string line, string part) =>
        part[0] == ' '
            ? line.Contains(part[1..], StringComparison.Ordinal)
            : line.StartsWith(part, StringComparison.Ordinal);
}
