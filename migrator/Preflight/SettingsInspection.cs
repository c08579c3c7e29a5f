using Migrator.Connections;
using Migrator.Messages;
using Migrator.Routing;
using Migrator.Schema;
using Migrator.Scope;
using Migrator.Settings;
using Npgsql;

namespace Migrator.Preflight;

/// <summary>Whether the settings fit the servers, as far as that can be told without a tenant. Changes nothing.</summary>
public sealed class SettingsInspection
{
    readonly MigratorSettings settings;
    readonly List<string> faults;
    readonly List<string> warnings = [];
    readonly List<ReachedServer> servers = [];

    SettingsInspection(MigratorSettings settings, IEnumerable<string> faults) =>
        (this.settings, this.faults) = (settings, [.. faults]);

    /// <summary>Each login of the settings.</summary>
    public IReadOnlyList<ReachedServer> Servers => servers;

    public IReadOnlyList<string> Faults => faults;

    public IReadOnlyList<string> Warnings => warnings;

    /// <param name="unreadable">What is wrong with the settings themselves: then their rules are not held against a database.</param>
    public static async Task<SettingsInspection> ReadAsync(
        MigratorSettings settings,
        IReadOnlyCollection<string> unreadable,
        CancellationToken cancellationToken
    )
    {
        var inspection = new SettingsInspection(settings, unreadable);
        inspection.LookAround();
        await using var shared = await inspection.ReachAsync("shared", settings.Source, cancellationToken);
        await using var isolated = await inspection.ReachAsync("isolated", settings.Target, cancellationToken);
        await inspection.ReachAsync("shared", settings.Source, settings.SourceAdministrator, cancellationToken);
        await inspection.ReachAsync("isolated", settings.Target, settings.TargetAdministrator, cancellationToken);
        if (shared is not null && isolated is not null)
            await inspection.CompareAsync(shared, isolated, cancellationToken);
        if (shared is not null && unreadable.Count == 0)
            await inspection.CheckTenancyAsync(shared, cancellationToken);
        return inspection;
    }

    void LookAround()
    {
        if (new RoutingFolder(settings.RoutingDirectory).WhyNotWritable() is { } why)
            faults.Add(PreflightMessages.RoutingNotWritable(settings.RoutingDirectory, why));
        warnings.AddRange(EnvironmentNames.Unknown(settings.Tenancy.Hooks).Select(CheckMessages.UnknownVariable));
        foreach (var hook in settings.Tenancy.Hooks)
            if (hook.Secret is { } secret && Environment.GetEnvironmentVariable(secret) is null or "")
                warnings.Add(CheckMessages.SecretMissing(hook.Name, secret));
    }

    async Task ReachAsync(
        string name,
        NpgsqlConnectionStringBuilder server,
        AdministratorLogin? administrator,
        CancellationToken cancellationToken
    )
    {
        if (administrator is not null)
            await using (await ReachAsync(name, administrator.At(server), cancellationToken)) { }
    }

    async Task<NpgsqlConnection?> ReachAsync(
        string name,
        NpgsqlConnectionStringBuilder server,
        CancellationToken cancellationToken
    )
    {
        if (server.Host is null)
            return null;
        var reached = new ReachedServer(name, server.Host, server.Port, server.Database, server.Username, null);
        try
        {
            if (await DirectSession.WhyNotAsync(server, cancellationToken) is { } why && !faults.Contains(why))
                faults.Add(why);
            var connection = await Databases.OpenAsync(server, cancellationToken);
            servers.Add(reached with { Version = connection.PostgreSqlVersion.ToString() });
            return connection;
        }
        catch (Exception e) when (ServerFailure.From(e, cancellationToken) is { } failure)
        {
            servers.Add(reached);
            faults.Add(CheckMessages.NotReached(reached.Server, server, failure.Message));
            return null;
        }
    }

    async Task CompareAsync(NpgsqlConnection shared, NpgsqlConnection isolated, CancellationToken cancellationToken)
    {
        var (from, to) = (shared.PostgreSqlVersion.Major, isolated.PostgreSqlVersion.Major);
        faults.AddRange(PreflightInspection.WhyNot(from, to));
        if (await shared.ExecuteScalarAsync<bool>("SELECT pg_is_in_recovery()", cancellationToken))
            faults.Add(PreflightMessages.IsStandby(settings.Source));
        if (await PgTools.FindAsync(from, to, cancellationToken) is null)
            faults.Add(PreflightMessages.ToolsMissing(from));
    }

    async Task CheckTenancyAsync(NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        var tenancy = settings.Tenancy;
        await using var reading = await Snapshots.BeginReadOnlyAsync(shared, cancellationToken);
        faults.AddRange(await TenantLookup.MissingColumnsAsync(shared, tenancy, cancellationToken));
        var catalog = await Catalog.ReadAsync(shared, cancellationToken);
        // Without mode, settings or slug the rules can be read all the same.
        if (catalog.Find(tenancy.Table)?.Column(tenancy.KeyColumn) is null)
        {
            faults.AddRange(RuleCheck.UnknownTables(tenancy, catalog));
            return;
        }
        var scope = TenantScope.Classify(catalog, tenancy);
        var rules = new RuleCheck(tenancy, catalog, scope, faults);
        rules.Run();
        if (rules.Silent.Select(table => table.Name).ToArray() is { Length: > 0 } silent)
            faults.Add(CheckMessages.NoRule(silent));
    }
}
