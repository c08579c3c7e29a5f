using System.Text.RegularExpressions;

namespace Infra;

// What settings have to do with each other.
public sealed partial record TenantConfig
{
    static void CheckCapacity(ConfigReader reader, TenantConfig settings)
    {
        var tier = settings.Tier;
        if (tier.MinInstances > tier.MaxInstances)
            reader.Fault(
                "minInstances",
                $"is {tier.MinInstances}, more than maxInstances {tier.MaxInstances}",
                "Lower it, or raise maxInstances"
            );

        if (tier.RetainedBackups < tier.TransactionLogDays)
            reader.Fault(
                "retainedBackups",
                $"is {tier.RetainedBackups}, fewer than the {tier.TransactionLogDays} days of transactionLogDays, "
                    + "and a recovery starts from the backup before its point in time",
                "Raise it, or lower transactionLogDays"
            );

        var wanted = tier.MaxInstances * settings.ConnectionsPerInstance;
        if (wanted > tier.MaxConnections - ReservedConnections)
            reader.Fault(
                "maxConnections",
                $"is {tier.MaxConnections}, but {tier.MaxInstances} API instances may open {wanted} connections "
                    + $"and {ReservedConnections} stay reserved",
                "Raise it, or lower maxInstances or connectionsPerInstance"
            );
    }

    static void CheckPlan(ConfigReader reader, TenantConfig settings)
    {
        if (settings.ConnectionPooling && settings.Tier.Edition != "ENTERPRISE_PLUS")
            reader.Fault(
                "connectionPooling",
                $"is true, but edition {settings.Tier.Edition} has no pooler",
                "Set it to false, or edition to ENTERPRISE_PLUS"
            );

        if (!settings.Tier.OwnKey)
            return;

        foreach (
            var (key, value) in new[]
            {
                ("dataKeyRing", settings.Platform.DataKeyRing),
                ("projectNumber", settings.Platform.ProjectNumber),
            }
        )
            if (value == "")
                reader.Fault(
                    key,
                    $"is missing: tier {settings.Tier.Name} has a key of its own",
                    "Set it, or name in platformStack a stack that has it as an output"
                );
    }

    // Backups lie in other regions of the same continent too: a region that is lost takes none of them along.
    // https://cloud.google.com/sql/docs/postgres/backup-recovery/backups#locationbackups
    static string MultiRegion(string region) =>
        region.Split('-')[0] switch
        {
            "europe" => "eu",
            "us" => "us",
            "asia" => "asia",
            _ => region,
        };

    static void CheckMemory(ConfigReader reader, TenantConfig settings)
    {
        // Neither of them, where it was refused already.
        if (settings.Memory == "" || !MemoryOfCpus.TryGetValue(settings.Cpu, out var range))
            return;

        var amount =
            long.Parse(settings.Memory[..^2], System.Globalization.CultureInfo.InvariantCulture)
            * (settings.Memory.EndsWith("Gi", StringComparison.Ordinal) ? 1024 : 1);
        if (amount < range.Min || amount > range.Max)
            reader.Fault(
                "memory",
                $"is '{settings.Memory}', but with {settings.Cpu} CPU{(settings.Cpu == 1 ? "" : "s")} "
                    + $"Cloud Run takes {range.Min}Mi to {range.Max}Mi",
                "Change it, or cpu"
            );
    }

    // What the instance's own password policy would refuse in the middle of 'pulumi up'.
    // https://cloud.google.com/sql/docs/postgres/built-in-authentication#instance_password_policies
    static string? ObjectionToPassword(string text) =>
        !(
            text.Any(char.IsAsciiLetterLower)
            && text.Any(char.IsAsciiLetterUpper)
            && text.Any(char.IsAsciiDigit)
            && text.Any(c => !char.IsAsciiLetterOrDigit(c))
        )
            ? "has not all of a lower-case letter, an upper-case letter, a digit and another character"
        : text.Contains(Database.MigratorRole, StringComparison.OrdinalIgnoreCase)
            ? $"contains '{Database.MigratorRole}', the role that it belongs to"
        : null;

    // https://cloud.google.com/sql/docs/postgres/create-instance#machine-types
    static bool IsLegal(string edition, string machineType)
    {
        if (edition == "ENTERPRISE_PLUS")
            return PerformanceOptimized().IsMatch(machineType);

        if (CustomMachine().Match(machineType) is not { Success: true } match)
            return false;

        int cpus = int.Parse(match.Groups[1].Value),
            megabytes = int.Parse(match.Groups[2].Value);
        return (cpus == 1 || (cpus is > 0 and <= 96 && cpus % 2 == 0))
            && megabytes >= 3840
            && megabytes % 256 == 0
            // 0.9 to 6.5 GB a CPU.
            && megabytes >= cpus * 922
            && megabytes <= cpus * 6656;
    }

    [GeneratedRegex(@"\Adb-custom-([0-9]{1,3})-([0-9]{4,6})\z")]
    private static partial Regex CustomMachine();

    [GeneratedRegex(@"\Adb-perf-optimized-N-(2|4|8|16|32|48|64|80|96|128)\z")]
    private static partial Regex PerformanceOptimized();
}
