using Migrator.Embedded;

namespace Bench;

static class Settings
{
    /// <summary>A server as people run it: every commit waits for the disk.</summary>
    public static IReadOnlyDictionary<string, string> OfAServer { get; } =
        new Dictionary<string, string>(EmbeddedCluster.FastSettings)
        {
            ["fsync"] = "on",
            ["synchronous_commit"] = "on",
            ["full_page_writes"] = "on",
            ["shared_buffers"] = "1GB",
            ["max_wal_size"] = "4GB",
            // A subscription that is stopped and started does not wait five seconds for its next worker.
            ["wal_retrieve_retry_interval"] = "100ms",
        };
}
