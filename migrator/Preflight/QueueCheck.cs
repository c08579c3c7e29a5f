using System.Text.RegularExpressions;
using Migrator.Messages;
using Migrator.Scope;

namespace Migrator.Preflight;

/// <summary>Tables of the tenant that look like queues: their workers go on in the shared database, and have to know.</summary>
static partial class QueueCheck
{
    static readonly string[] States = ["status", "state"];

    static readonly string[] Work =
    [
        "attempts",
        "available_at",
        "locked_at",
        "locked_by",
        "locked_until",
        "next_attempt_at",
        "reserved_at",
        "retry_at",
        "run_at",
        "scheduled_at",
    ];

    public static void Run(PreflightContext context)
    {
        var queues = context.Scope.TenantTables.Where(LooksLikeQueue).Select(table => table.Name).ToArray();
        if (queues.Length > 0)
            context.Warnings.Add(PreflightMessages.LooksLikeQueue(queues));
    }

    static bool LooksLikeQueue(ScopedTable table) =>
        QueueName().IsMatch(table.Name.Name) || (States.Any(Has(table)) && Work.Any(Has(table)));

    static Func<string, bool> Has(ScopedTable table) => name => table.Table.Column(name) is not null;

    [GeneratedRegex("(^|_)(jobs?|queues?|outbox|inbox|dead_letters?)($|_)", RegexOptions.IgnoreCase)]
    private static partial Regex QueueName();
}
