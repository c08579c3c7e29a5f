using Microsoft.Extensions.Configuration;
using Migrator.Messages;
using Migrator.Model;
using Npgsql;

namespace Migrator.Settings;

/// <summary>
/// All settings from flags, environment and <c>tenancy.json</c>, in that order of precedence, read once and
/// checked.
/// </summary>
public sealed record MigratorSettings(
    Tenancy Tenancy,
    NpgsqlConnectionStringBuilder Source,
    NpgsqlConnectionStringBuilder Target,
    string RoutingDirectory
)
{
    public const string DefaultFile = "tenancy.json";

    /// <summary>Of environment variables that are settings.</summary>
    public const string Prefix = "MIGRATOR_";

    /// <summary>Null if the login of <see cref="Source"/> has all rights that are needed.</summary>
    public AdministratorLogin? SourceAdministrator { get; init; }

    /// <summary>The same for <see cref="Target"/>.</summary>
    public AdministratorLogin? TargetAdministrator { get; init; }

    /// <summary>The file that was read, as a whole path; null where there is none.</summary>
    public string? File { get; init; }

    /// <param name="file">The settings file; null for <c>tenancy.json</c> in the working folder, if it exists.</param>
    /// <param name="target">The isolated database's server as <c>host[:port]</c>, from the command line.</param>
    /// <param name="routingDirectory">Where routing documents are written, from the command line.</param>
    /// <exception cref="MigratorException">The file is missing or unreadable, or a value is invalid: all that is, at once.</exception>
    public static MigratorSettings Read(string? file, string? target, string? routingDirectory)
    {
        var faults = new List<string>();
        var settings = Read(file, target, routingDirectory, faults);
        return faults.Count == 0 ? settings : throw MigratorException.Usage(string.Join("\n", faults));
    }

    /// <summary>The settings as far as they can be read: the others have their defaults, and a server has no host.</summary>
    /// <param name="faults">Takes what is wrong.</param>
    public static MigratorSettings Read(
        string? file,
        string? target,
        string? routingDirectory,
        ICollection<string> faults
    )
    {
        var (configuration, tenancy, path) = Load(file, faults);
        // Only the names of connections are read without our prefix: DOMAIN or REFERENCE may be anybody's variable.
        var connections = new ServerSettings(new ConfigurationBuilder().AddEnvironmentVariables().Build(), faults);
        var source = connections.Shared();
        var administrator = connections.Administrator("DB_ADMIN_");
        return new(
            ReadTenancy(configuration, tenancy),
            source,
            connections.Isolated(source, target),
            routingDirectory ?? configuration["routing_dir"] ?? Path.Combine("config", "routing")
        )
        {
            File = path,
            SourceAdministrator = administrator,
            TargetAdministrator = connections.Administrator("TARGET_DB_ADMIN_") ?? administrator,
        };
    }

    // The rules of single tables apart: their keys are names that differ by case, which a configuration takes for one.
    static (IConfigurationRoot Configuration, Tenancy FromFile, string? Path) Load(
        string? file,
        ICollection<string> faults
    )
    {
        var builder = new ConfigurationBuilder();
        var variables = new ConfigurationBuilder().AddEnvironmentVariables(Prefix).Build();
        var tenancy = new Tenancy();
        var path = Path.GetFullPath(file ?? DefaultFile);
        if (!System.IO.File.Exists(path))
        {
            if (file is not null)
                faults.Add(UsageMessages.SettingsFileMissing(file));
            return (variables, tenancy, null);
        }
        try
        {
            var json = System.IO.File.ReadAllBytes(path);
            var (rules, hooks, places) = TenancyFile.Read(file ?? DefaultFile, json);
            builder.AddJsonStream(new MemoryStream(TenancyFile.WithoutRules(json)));
            tenancy = tenancy with
            {
                Rules = rules.Rules,
                RulePlaces = rules.Places,
                Reference = rules.Reference,
                Ignored = rules.Ignored,
                Hooks = hooks,
                // What the environment says stands nowhere in the file.
                Places = places
                    .Where(one => variables[one.Key.Replace('.', ':')] is null)
                    .ToDictionary(one => one.Key, one => one.Value),
            };
        }
        catch (MigratorException e)
        {
            faults.Add(e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            faults.Add(UsageMessages.SettingsUnreadable(file ?? DefaultFile, e.Message));
        }
        return (builder.AddConfiguration(variables).Build(), tenancy, path);
    }

    static Tenancy ReadTenancy(IConfiguration configuration, Tenancy defaults)
    {
        string Text(string key, string otherwise) => configuration[key] is { Length: > 0 } value ? value : otherwise;
        TableName[] Tables(string key) =>
            [.. configuration.GetSection(key).GetChildren().Select(child => TableName.Parse(child.Value!))];
        var tenancy = defaults with
        {
            Table = configuration["tenants:table"] is { Length: > 0 } table ? TableName.Parse(table) : defaults.Table,
            KeyColumn = Text("tenants:key", defaults.KeyColumn),
            SlugColumn = Text("tenants:slug", defaults.SlugColumn),
            ModeColumn = Text("tenants:isolation_mode", defaults.ModeColumn),
            SettingsColumn = Text("tenants:settings", defaults.SettingsColumn),
            SubtreeColumn = configuration["tenants:subtree"] is { Length: > 0 } subtree ? subtree : null,
            TenantColumn = Text("tenant_column", defaults.TenantColumn),
            Reference = [.. Tables("reference"), .. defaults.Reference],
            Ignored = [.. Tables("ignored"), .. defaults.Ignored],
            Derived = configuration
                .GetSection("derived")
                .GetChildren()
                .ToDictionary(child => TableName.Parse(child.Key), child => child.Value!),
            ApplicationRole = Text("application_role", defaults.ApplicationRole),
            ApplicationLogin = configuration["application_login"] is { Length: > 0 } login ? login : null,
            ApplicationPassword = ApplicationPassword(),
            TenantSetting = Text("tenant_setting", defaults.TenantSetting),
            Domain = Text("domain", defaults.Domain),
            MigrationVersion = configuration["migration_version"],
        };
        var columns = TenantColumns(configuration);
        return columns.Length > 0 ? tenancy with { TenantColumns = columns } : tenancy;
    }

    static string[] TenantColumns(IConfiguration configuration)
    {
        var columns = configuration.GetSection("tenant_columns").GetChildren().Select(child => child.Value!).ToArray();
        if (columns.Length > 0 && configuration["tenant_column"] is { } column && !columns.Contains(column))
            columns = [column, .. columns];
        return columns;
    }

    static string? ApplicationPassword() =>
        Environment.GetEnvironmentVariable("MIGRATOR_APPLICATION_PASSWORD") is { Length: > 0 } password
            ? password
            : null;
}
