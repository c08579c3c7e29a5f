using System.Security.Cryptography;
using System.Text;
using Migrator.Connections;
using Migrator.Guarding;

namespace Migrator.Schema;

/// <summary>The shared schema as pg_dump writes it: what a change of it shows that no catalog query of ours looks at.</summary>
public static class SchemaDump
{
    /// <summary>A hash of the dump, without what differs from one dump to the next, and without the guard.</summary>
    public static async Task<string> HashAsync(PgTools tools, Databases databases, CancellationToken cancellationToken)
    {
        string[] arguments = ["--schema-only", .. SchemaArchive.DumpedParts];
        var dump = await tools.RunAsync("pg_dump", databases.SharedServer, arguments, null, cancellationToken);
        // Comments tell versions, or are for people; \restrict holds a random word.
        var lines = dump.Split('\n')
            .Where(line =>
                line.Length > 0
                && !line.StartsWith("--", StringComparison.Ordinal)
                && !line.StartsWith('\\')
                && !line.StartsWith("COMMENT ON ", StringComparison.Ordinal)
                && !line.Contains(WriteGuard.TriggerPrefix, StringComparison.Ordinal)
            );
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))));
    }
}
