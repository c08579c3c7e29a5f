using Migrator.Connections;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Messages;
using Migrator.Model;
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
    HashSet<string> activeRuns = [];

    public async Task<Diagnosis> LookAsync(CancellationToken cancellationToken)
    {
        found.Clear();
        warnings.Clear();
        await using var shared = await Databases.OpenSharedAsync(settings, cancellationToken);
        var here = new Target(settings.Source.Host!, settings.Source.Port, shared.Database);
        // Objects first, owners afterwards: a promotion that begins in between is known before its slot is checked.
        var slots = (await SlotStatus.ListAsync(shared, cancellationToken))
            .Where(slot => slot.Database == shared.Database)
            .ToArray();
        var publications = await PublicationsAsync(shared, cancellationToken);
        var guards = await InstalledGuard.ListAsync(shared, cancellationToken);
        var owners = await OwnersAsync(shared, guards, cancellationToken);
        activeRuns = await ActiveRunsAsync(shared, owners, cancellationToken);

        var byStream = owners.ToLookup(owner => StreamNames.Forward(shared.Database, owner.Tenant));
        foreach (var slot in slots)
            CheckSlot(here, slot, byStream[slot.Name].FirstOrDefault(), ExpectedObjects.MayHaveForwardSlot);
        foreach (var publication in publications)
            CheckPublication(
                here,
                publication,
                byStream[publication].FirstOrDefault(),
                ExpectedObjects.MayHaveForwardSlot
            );
        var byGuard = owners.ToLookup(owner => WriteGuard.PrefixOf(owner.Tenant.Key));
        foreach (var guard in guards)
            CheckGuard(here, guard, byGuard[guard.Prefix].FirstOrDefault());
        var identity = await IsolatedMark.IdentityAsync(shared, cancellationToken);
        foreach (var server in IsolatedServers(owners))
            await InspectServerAsync(server.Key.Host, server.Key.Port, server.Value, identity, cancellationToken);
        return new([.. found], [.. warnings]);
    }

    // The present tenants, and the tenants in journal and guard that were renamed or deleted since; a promotion
    // is listed under the name that the tenant had then.
    async Task<IReadOnlyList<Owner>> OwnersAsync(
        NpgsqlConnection shared,
        IReadOnlyList<InstalledGuard> guards,
        CancellationToken cancellationToken
    )
    {
        var promotions = (await JournalReader.NewestAsync(shared, cancellationToken)).ToDictionary(record =>
            record.TenantKey
        );
        var known = promotions.Values.Select(record => (Slug: record.TenantSlug, Key: record.TenantKey)).ToList();
        if (promotions.Count > 0)
            known.AddRange(
                await shared.QueryAsync<(string, string)>(
                    "SELECT DISTINCT tenant_slug, tenant_key FROM tenant_promotion.promotion",
                    cancellationToken
                )
            );
        known.AddRange(
            guards.Where(guard => guard.TenantKey is not null).Select(guard => (guard.TenantSlug!, guard.TenantKey!))
        );
        var tenancy = settings.Tenancy;
        known.AddRange(
            await shared.QueryAsync<(string, string)>(
                $"SELECT {Sql.Identifier(tenancy.SlugColumn)}::text, {Sql.Identifier(tenancy.KeyColumn)}::text "
                    + $"FROM {tenancy.Table.Quoted}",
                cancellationToken
            )
        );
        var owners = new List<Owner>();
        foreach (var (text, key) in known.Distinct())
            if (Slug.TryParse(text, out var slug))
                owners.Add(new(new(slug, key, "", []), promotions.GetValueOrDefault(key)));
        return owners;
    }

    // Detected by the lock that TenantLock holds.
    static async Task<HashSet<string>> ActiveRunsAsync(
        NpgsqlConnection shared,
        IReadOnlyList<Owner> owners,
        CancellationToken cancellationToken
    ) =>
        [
            .. await shared.QueryAsync<string>(
                """
                SELECT DISTINCT key
                FROM unnest(@keys) key
                JOIN pg_locks l ON l.classid = @LockClass
                               AND l.objid::bigint = hashtext(key)::bigint & 4294967295 AND l.objsubid = 2
                WHERE l.locktype = 'advisory' AND l.granted
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """,
                new { TenantLock.LockClass, keys = owners.Select(owner => owner.Tenant.Key).Distinct().ToArray() },
                cancellationToken
            ),
        ];

    static async Task<string[]> PublicationsAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        [
            .. await connection.QueryAsync<string>(
                "SELECT pubname::text FROM pg_publication WHERE starts_with(pubname, @Prefix) ORDER BY 1",
                new { StreamNames.Prefix },
                cancellationToken
            ),
        ];

    void CheckSlot(Target place, SlotStatus slot, Owner? owner, Func<PromotionRecord?, bool> serves)
    {
        var orphan = new OrphanedObject(
            OrphanedObjectKind.Slot,
            slot.Name,
            owner,
            place,
            DoctorMessages.NotInUse,
            DoctorMessages.DoctorRemoves
        )
        {
            Serves = serves,
            WalBytes = slot.WalHeldBytes,
            Since = slot.InactiveSince ?? owner?.Promotion?.EndedAt,
        };
        if (IsOrphaned(owner, serves))
            found.Add(orphan);
        else if (slot.IsInvalid)
            found.Add(
                orphan with
                {
                    Serves = null,
                    Problem = $"wal_status is {slot.WalStatus}",
                    Remedy = StreamMessages.SlotInvalid(
                        owner!.Tenant.Slug,
                        slot.Name,
                        slot.Database,
                        slot.WalStatus == "lost",
                        slot.WalHeldBytes,
                        owner.Promotion!.IsFlipped
                    ),
                }
            );
    }

    void CheckPublication(Target place, string publication, Owner? owner, Func<PromotionRecord?, bool> serves)
    {
        if (IsOrphaned(owner, serves))
            found.Add(
                new(
                    OrphanedObjectKind.Publication,
                    publication,
                    owner,
                    place,
                    DoctorMessages.NotInUse,
                    DoctorMessages.DoctorRemoves
                )
                {
                    Serves = serves,
                    Since = owner?.Promotion?.EndedAt,
                }
            );
    }

    void CheckGuard(Target place, InstalledGuard guard, Owner? owner)
    {
        var problem = guard.State is null
            ? $"{guard.Objects} triggers and functions without the guard's row"
            : $"{guard.State}, {guard.Objects} triggers and functions, no promotion under way";
        var orphan = new OrphanedObject(
            OrphanedObjectKind.Guard,
            guard.Prefix,
            owner,
            place,
            problem,
            DoctorMessages.DoctorRemoves
        )
        {
            Since = guard.ChangedAt ?? owner?.Promotion?.EndedAt,
        };
        if (owner is null)
            found.Add(orphan with { Remedy = DoctorMessages.DropTriggersByHand(guard.Prefix) });
        else if (IsOrphaned(owner, ExpectedObjects.MayHaveGuard))
            found.Add(orphan with { Serves = ExpectedObjects.MayHaveGuard });
        else if (
            guard.State == GuardState.Closed
            && !owner.Promotion!.IsFlipped
            && !activeRuns.Contains(owner.Tenant.Key)
        )
            found.Add(
                orphan with
                {
                    Problem = DoctorMessages.ClosedWithoutRun,
                    Remedy = DoctorMessages.ResumeOrRollBack(owner.Tenant.Slug, flipped: false),
                }
            );
    }

    // An active run removes its objects itself.
    bool IsOrphaned(Owner? owner, Func<PromotionRecord?, bool> serves) =>
        !serves(owner?.Promotion) && (owner is null || !activeRuns.Contains(owner.Tenant.Key));

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
            var place = new Target(host, port, "");
            if (
                databases.Any(pair =>
                    pair.Owner.Promotion is { EndedAt: null } promotion
                    && promotion.Target.Host == host
                    && promotion.Target.Port == port
                )
            )
                found.Add(
                    new(
                        OrphanedObjectKind.Server,
                        $"{host}:{port}",
                        null,
                        place,
                        DoctorMessages.CannotInspect(place, e),
                        DoctorMessages.RunDoctorAgain
                    )
                );
            else
                warnings.Add(DoctorMessages.CannotInspect(place, e));
        }
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
                CheckSlot(place, slot, owner, Serves(slot.Name));
            foreach (var publication in (await PublicationsAsync(isolated, cancellationToken)).Where(Ours))
                CheckPublication(place, publication, owner, Serves(publication));
            foreach (
                var guard in (await InstalledGuard.ListAsync(isolated, cancellationToken)).Where(guard =>
                    guard is { State: GuardState.Closed } && guard.TenantKey == owner.Tenant.Key
                )
            )
                if (owner.Promotion is { EndedAt: null, IsFlipped: true } && !activeRuns.Contains(owner.Tenant.Key))
                    found.Add(
                        new(
                            OrphanedObjectKind.Guard,
                            guard.Prefix,
                            owner,
                            place,
                            DoctorMessages.ClosedWithoutRun,
                            DoctorMessages.ResumeOrRollBack(owner.Tenant.Slug, flipped: true)
                        )
                        {
                            Since = guard.ChangedAt,
                        }
                    );
        }
        catch (PostgresException e)
        {
            warnings.Add(DoctorMessages.CannotInspect(place, e));
        }
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
