using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
using Migrator.Scope;
using Migrator.Settings;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Doctor;

/// <summary>
/// Finds objects that promotions of any tenant left behind: in the shared database, and in the isolated
/// databases on the servers that settings and journal name. The search changes nothing and takes no lock.
/// Objects of an active run are not reported.
/// </summary>
public sealed class OrphanFinder(MigratorSettings settings)
{
    readonly List<OrphanedObject> found = [];
    readonly List<string> warnings = [];
    OrphanRules rules = new([]);

    public async Task<Diagnosis> LookAsync(CancellationToken cancellationToken)
    {
        found.Clear();
        warnings.Clear();
        await using var shared = await Databases.OpenSharedAsync(settings, cancellationToken);
        await TenantLookup.RequireColumnsAsync(shared, settings.Tenancy, cancellationToken);
        var here = new Target(settings.Source.Host!, settings.Source.Port, shared.Database);
        // Objects first, owners afterwards: a promotion that begins in between is known before its slot is checked.
        var slots = (await SlotStatus.ListAsync(shared, cancellationToken))
            .Where(slot => slot.Database == shared.Database)
            .ToArray();
        var publications = await PublicationsAsync(shared, cancellationToken);
        var guards = await InstalledGuard.ListAsync(shared, cancellationToken);
        var owners = await PromotedTenants.OwnersAsync(shared, settings.Tenancy, guards, cancellationToken);
        rules = new(await PromotedTenants.ActiveRunsAsync(shared, owners, cancellationToken));

        var byStream = owners.ToLookup(owner => StreamNames.Forward(shared.Database, owner.Tenant));
        foreach (var slot in slots)
            Add(rules.Slot(here, slot, byStream[slot.Name].FirstOrDefault(), ExpectedObjects.MayHaveForwardSlot));
        foreach (var name in publications)
            Add(rules.Publication(here, name, byStream[name].FirstOrDefault(), ExpectedObjects.MayHaveForwardSlot));
        var byGuard = owners.ToLookup(owner => WriteGuard.PrefixOf(owner.Tenant.Key));
        foreach (var guard in guards)
            Add(rules.Guard(here, guard, byGuard[guard.Prefix].FirstOrDefault()));
        await LookForTriggersAsync(shared, here, owners, guards, cancellationToken);
        var identity = await IsolatedMark.IdentityAsync(shared, cancellationToken);
        foreach (var server in IsolatedServers(owners))
            await InspectServerAsync(server.Key.Host, server.Key.Port, server.Value, identity, cancellationToken);
        return new([.. found], [.. warnings]);
    }

    // Tables and partitions may have been made since, and triggers dropped or switched off.
    async Task LookForTriggersAsync(
        NpgsqlConnection shared,
        Target here,
        IReadOnlyList<Owner> owners,
        IReadOnlyList<InstalledGuard> guards,
        CancellationToken cancellationToken
    )
    {
        if (guards.All(guard => guard.State != GuardState.Moved))
            Add(rules.LoneFence(here, await Fence.StandsAsync(shared, cancellationToken)));
        var guarded = owners.Where(owner => guards.Any(guard => guard.TenantKey == owner.Tenant.Key)).ToArray();
        if (guarded.Length == 0)
            return;
        var scope = (await TenantScope.ReadAsync(shared, settings.Tenancy, cancellationToken)).WithoutStrangers();
        foreach (var owner in guarded.Where(owner => ExpectedObjects.NeedsTriggers(owner.Promotion)))
            Add(
                rules.GuardTriggers(
                    here,
                    owner,
                    await WriteGuard.MissingAsync(shared, scope, owner.Tenant, cancellationToken)
                )
            );
        if (guarded.Any(owner => owner.Promotion?.Stage == PromotionStage.Finalized))
            Add(OrphanRules.FenceTriggers(here, await Fence.MissingAsync(shared, scope, cancellationToken)));
    }

    void Add(OrphanedObject? orphan)
    {
        if (orphan is not null)
            found.Add(orphan);
    }

    static async Task<string[]> PublicationsAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        [
            .. await connection.QueryAsync<string>(
                """
                SELECT pubname::text FROM pg_publication
                WHERE starts_with(pubname, @Prefix) AND pg_has_role(pubowner, 'USAGE') ORDER BY 1
                """,
                new { StreamNames.Prefix },
                cancellationToken
            ),
        ];

    Dictionary<(string Host, int Port), List<(string Database, Owner Owner)>> IsolatedServers(
        IReadOnlyList<Owner> owners
    )
    {
        var servers = new Dictionary<(string, int), List<(string, Owner)>>();
        void Add(string host, int port, string database, Owner owner)
        {
            if (!servers.TryGetValue((host, port), out var databases))
                servers[(host, port)] = databases = [];
            if (!databases.Contains((database, owner)))
                databases.Add((database, owner));
        }

        foreach (var owner in owners)
        {
            Add(settings.Target.Host!, settings.Target.Port, owner.Tenant.Slug.DatabaseName, owner);
            if (owner.Promotion is { } promotion && promotion.TenantSlug == owner.Tenant.Slug.Text)
                Add(promotion.Target.Host, promotion.Target.Port, promotion.Target.Database, owner);
        }
        return servers;
    }

    async Task InspectServerAsync(
        string host,
        int port,
        IReadOnlyList<(string Database, Owner Owner)> databases,
        DatabaseIdentity here,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var at = new NpgsqlConnectionStringBuilder(settings.Target.ConnectionString)
            {
                Host = host,
                Port = port,
                Database = settings.Target.Database ?? "postgres",
            };
            await using var server = await Databases.OpenAsync(at, cancellationToken);
            var slots = (await SlotStatus.ListAsync(server, cancellationToken)).ToLookup(slot => slot.Database);
            var there = (
                await server.QueryAsync<string>(
                    "SELECT datname::text FROM pg_database WHERE datname = ANY (@names) AND datallowconn",
                    new { names = databases.Select(pair => pair.Database).ToArray() },
                    cancellationToken
                )
            ).ToHashSet();
            foreach (var (database, owner) in databases.Where(pair => there.Contains(pair.Database)))
                if (
                    new Target(host, port, database) is var place
                    && place != new Target(settings.Source.Host!, settings.Source.Port, here.Name)
                )
                    await InspectDatabaseAsync(place, owner, slots[database], here, cancellationToken);
        }
        catch (NpgsqlException e)
        {
            CannotInspect(new(host, port, ""), databases, e);
        }
    }

    void CannotInspect(Target server, IReadOnlyList<(string Database, Owner Owner)> databases, NpgsqlException e)
    {
        var why = DoctorMessages.CannotInspect(server, e);
        if (
            databases.Any(pair =>
                pair.Owner.Promotion is { EndedAt: null, Target: var target }
                && (target.Host, target.Port) == (server.Host, server.Port)
            )
        )
            found.Add(
                new(
                    OrphanedObjectKind.Server,
                    $"{server.Host}:{server.Port}",
                    null,
                    server,
                    why,
                    DoctorMessages.RunDoctorAgain
                )
            );
        else
            warnings.Add(why);
    }

    async Task InspectDatabaseAsync(
        Target place,
        Owner owner,
        IEnumerable<SlotStatus> slots,
        DatabaseIdentity here,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await using var isolated = await Databases.OpenAsync(At(place), cancellationToken);
            var mark = await IsolatedMark.ReadAsync(isolated, cancellationToken);
            // The database has that name but belongs to another owner.
            if (
                mark is not null
                && (mark.TenantKey != owner.Tenant.Key || mark.Foreign(here, owner.Tenant.Slug) is not null)
            )
                return;
            var reverse = StreamNames.Reverse(here.Name, owner.Tenant);
            bool Ours(string name) => name == reverse || mark is not null;
            Func<PromotionRecord?, bool> Serves(string name) =>
                name == reverse ? ExpectedObjects.MayHaveReverseSlot : _ => false;
            foreach (var slot in slots.Where(slot => Ours(slot.Name)))
                Add(rules.Slot(place, slot, owner, Serves(slot.Name)));
            foreach (var publication in (await PublicationsAsync(isolated, cancellationToken)).Where(Ours))
                Add(rules.Publication(place, publication, owner, Serves(publication)));
            foreach (var guard in await InstalledGuard.ListAsync(isolated, cancellationToken))
                Add(rules.IsolatedGuard(place, guard, owner));
            Add(rules.Arrival(place, await ArrivalGuard.IsClosedAsync(isolated, cancellationToken), owner));
        }
        catch (PostgresException e)
        {
            warnings.Add(DoctorMessages.CannotInspect(place, e));
        }
        // Whoever may create databases can give one the name of any tenant.
        catch (MigratorException e)
            when (owner.Promotion is not { EndedAt: null } promotion || promotion.Target != place)
        {
            warnings.Add(e.Message);
        }
    }

    /// <summary>The same as a role that may have replication slots.</summary>
    public NpgsqlConnectionStringBuilder SlotsAt(Target place)
    {
        var server = At(place);
        var login = ReferenceEquals(server, settings.Source)
            ? settings.SourceAdministrator
            : settings.TargetAdministrator;
        return login?.At(server) ?? server;
    }

    /// <summary>How to connect to the database of the finding.</summary>
    public NpgsqlConnectionStringBuilder At(Target place) =>
        (place.Host, place.Port, place.Database)
        == (settings.Source.Host, settings.Source.Port, settings.Source.Database)
            ? settings.Source
            : new(settings.Target.ConnectionString)
            {
                Host = place.Host,
                Port = place.Port,
                Database = place.Database,
            };
}
