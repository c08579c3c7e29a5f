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

    /// <summary>Null if the login of <see cref="Source"/> has all rights that are needed.</summary>
    public AdministratorLogin? SourceAdministrator { get; init; }

    /// <summary>The same for <see cref="Target"/>.</summary>
    public AdministratorLogin? TargetAdministrator { get; init; }

    /// <param name="file">The settings file; null for <c>tenancy.json</c> in the working folder, if it exists.</param>
    /// <param name="target">The isolated database's server as <c>host[:port]</c>, from the command line.</param>
    /// <param name="routingDirectory">Where routing documents are written, from the command line.</param>
    /// <exception cref="MigratorException">The file is missing or unreadable, or a value is invalid.</exception>
    public static MigratorSettings Read(string? file, string? target, string? routingDirectory)
    {
        var (configuration, rules, hooks) = Load(file);
        // Only the names of connections are read without our prefix: DOMAIN or REFERENCE may be anybody's variable.
        var connections = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        var source = Server(connections, "MIGRATOR_SOURCE", "DB_", SourceDefaults());
        var isolated = Server(
            connections,
            "MIGRATOR_TARGET",
            "TARGET_DB_",
            new(source.ConnectionString) { Database = "postgres" }
        );
        if (target is not null)
            PointAt(isolated, target);
        var administrator = Administrator(connections, "DB_ADMIN_");
        return new(
            ReadTenancy(configuration, rules) with
            {
                Hooks = hooks,
            },
            source,
            isolated,
            routingDirectory ?? configuration["routing_dir"] ?? Path.Combine("config", "routing")
        )
        {
            SourceAdministrator = administrator,
            TargetAdministrator = Administrator(connections, "TARGET_DB_ADMIN_") ?? administrator,
        };
    }

    static NpgsqlConnectionStringBuilder SourceDefaults() =>
        new()
        {
            Host = "localhost",
            Port = 5432,
            Database = "factorydb",
            Username = "factoryadmin",
        };

    // The rules of single tables apart: their keys are names that differ by case, which a configuration takes for one.
    static (IConfigurationRoot, TableRules, IReadOnlyList<Hook>) Load(string? file)
    {
        if (file is not null && !File.Exists(file))
            throw UsageMessages.SettingsFileMissing(file);
        var path = Path.GetFullPath(file ?? DefaultFile);
        var builder = new ConfigurationBuilder();
        var rules = TableRules.Read(null, []);
        IReadOnlyList<Hook> hooks = [];
        if (File.Exists(path))
        {
            var json = File.ReadAllBytes(path);
            (rules, hooks) = TenancyFile.Read(file ?? DefaultFile, json);
            builder.AddJsonStream(new MemoryStream(TenancyFile.WithoutRules(json)));
        }
        return (builder.AddEnvironmentVariables("MIGRATOR_").Build(), rules, hooks);
    }

    static NpgsqlConnectionStringBuilder Server(
        IConfiguration configuration,
        string whole,
        string prefix,
        NpgsqlConnectionStringBuilder defaults
    )
    {
        try
        {
            if (configuration[whole] is { Length: > 0 } text)
                return new(text);
            Apply(configuration, prefix, defaults);
            return defaults;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
        {
            // The exception's text may quote the connection string with its password, so the message names the
            // variable only.
            throw UsageMessages.ConnectionSettingInvalid(whole, prefix);
        }
    }

    static void Apply(IConfiguration configuration, string prefix, NpgsqlConnectionStringBuilder server)
    {
        if (configuration[prefix + "HOST"] is { Length: > 0 } host)
            server.Host = host;
        if (configuration[prefix + "PORT"] is { Length: > 0 } port)
            server.Port = int.Parse(port);
        if (configuration[prefix + "NAME"] is { Length: > 0 } name)
            server.Database = name;
        if (configuration[prefix + "USER"] is { Length: > 0 } user)
            server.Username = user;
        if (configuration[prefix + "PASSWORD"] is { Length: > 0 } password)
            server.Password = password;
        if (configuration[prefix + "SSLMODE"] is { Length: > 0 } mode)
            server.SslMode = Enum.Parse<SslMode>(mode.Replace("-", ""), ignoreCase: true);
        if (configuration[prefix + "SSLROOTCERT"] is { Length: > 0 } certificate)
            server.RootCertificate = certificate;
    }

    static AdministratorLogin? Administrator(IConfiguration configuration, string prefix) =>
        configuration[prefix + "USER"] is { Length: > 0 } user ? new(user, configuration[prefix + "PASSWORD"]) : null;

    static void PointAt(NpgsqlConnectionStringBuilder server, string target)
    {
        var parts = target.Split(':');
        if (target.Contains('@') || target.Contains('/') || parts.Length > 2 || parts[0].Length == 0)
            throw UsageMessages.TargetInvalid();
        server.Host = parts[0];
        if (parts.Length == 1)
            return;
        if (!ushort.TryParse(parts[1], out var port))
            throw UsageMessages.TargetInvalid();
        server.Port = port;
    }

    static Tenancy ReadTenancy(IConfiguration configuration, TableRules rules)
    {
        var defaults = new Tenancy();
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
            Reference = [.. Tables("reference"), .. rules.Reference],
            Ignored = [.. Tables("ignored"), .. rules.Ignored],
            Rules = rules.Rules,
            RulePlaces = rules.Places,
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
