using Migrator.Connections;
using Migrator.Console;
using Migrator.Guarding;
using Migrator.Journal;
using Migrator.Model;
using Migrator.Settings;
using Migrator.Streaming;
using Npgsql;

namespace Migrator.Leftovers;

/// <summary>
/// Looks for what promotions of any tenant left behind: in the shared database, and in the isolated ones on the servers that settings and
/// journal name. Looking changes nothing and takes no lock; what a run at work has is left out.
/// </summary>
public sealed class Doctor(MigratorSettings settings)
{
    readonly List<Leftover> found = [];
    readonly List<string> warnings = [];
    HashSet<string> atWork = [];

    public async Task<Diagnosis> LookAsync(CancellationToken cancellationToken)
    {
        found.Clear();
        warnings.Clear();
        await using var shared = await Databases.OpenSharedAsync(settings, cancellationToken);
        var here = new Target(settings.Source.Host!, settings.Source.Port, shared.Database);
        // Things first, owners after: whoever begins a promotion in between is known before its slot is judged.
        var slots = (await SlotStatus.ListAsync(shared, cancellationToken))
            .Where(slot => slot.Database == shared.Database)
            .ToArray();
        var publications = await PublicationsAsync(shared, cancellationToken);
        var guards = await Guard.ListAsync(shared, cancellationToken);
        var owners = await OwnersAsync(shared, guards, cancellationToken);
        atWork = await AtWorkAsync(shared, owners, cancellationToken);

        var byStream = owners.ToLookup(owner => StreamNames.Outbound(shared.Database, owner.Tenant));
        foreach (var slot in slots)
            JudgeSlot(here, slot, byStream[slot.Name].FirstOrDefault(), Legitimacy.MayHaveOutbound);
        foreach (var publication in publications)
            JudgePublication(here, publication, byStream[publication].FirstOrDefault(), Legitimacy.MayHaveOutbound);
        var byGuard = owners.ToLookup(owner => WriteGuard.PrefixOf(owner.Tenant.Key));
        foreach (var guard in guards)
            JudgeGuard(here, guard, byGuard[guard.Prefix].FirstOrDefault());
        foreach (var server in IsolatedServers(owners))
            await LookAtAsync(server.Key.Host, server.Key.Port, server.Value, here, cancellationToken);
        return new([.. found], [.. warnings]);
    }

    // The tenants of today, and those of journal and guard, renamed or deleted since; the name under which it was promoted first.
    async Task<IReadOnlyList<Owner>> OwnersAsync(
        NpgsqlConnection shared,
        IReadOnlyList<Guard> guards,
        CancellationToken cancellationToken
    )
    {
        var promotions = (await PromotionJournal.NewestAsync(shared, cancellationToken)).ToDictionary(record =>
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
                $"SELECT {Sql.Identifier(tenancy.SlugColumn)}::text, {Sql.Identifier(tenancy.KeyColumn)}::text FROM {tenancy.Table.Quoted}",
                cancellationToken
            )
        );
        var owners = new List<Owner>();
        foreach (var (text, key) in known.Distinct())
            if (Slug.TryParse(text, out var slug))
                owners.Add(new(new(slug, key, "", []), promotions.GetValueOrDefault(key)));
        return owners;
    }

    // By the lock that PromotionJournal holds.
    static async Task<HashSet<string>> AtWorkAsync(
        NpgsqlConnection shared,
        IReadOnlyList<Owner> owners,
        CancellationToken cancellationToken
    ) =>
        [
            .. await shared.QueryAsync<string>(
                """
                SELECT DISTINCT key
                FROM unnest(@keys) key
                JOIN pg_locks l ON l.classid = @LockClass AND l.objid::bigint = hashtext(key)::bigint & 4294967295 AND l.objsubid = 2
                WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """,
                new
                {
                    PromotionJournal.LockClass,
                    keys = owners.Select(owner => owner.Tenant.Key).Distinct().ToArray(),
                },
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

    void JudgeSlot(Target place, SlotStatus slot, Owner? owner, Func<PromotionRecord?, bool> serves)
    {
        var leftover = new Leftover(
            LeftoverKind.Slot,
            slot.Name,
            owner,
            place,
            Sentences.ServesNobody,
            Sentences.DoctorRemoves
        )
        {
            Serves = serves,
            WalBytes = slot.WalHeldBytes,
            Since = slot.InactiveSince ?? owner?.Promotion?.EndedAt,
        };
        if (IsStray(owner, serves))
            found.Add(leftover);
        else if (slot.IsInvalid)
            found.Add(
                leftover with
                {
                    Serves = null,
                    Problem = $"wal_status is {slot.WalStatus}",
                    Remedy = Sentences.SlotInvalid(owner!.Tenant.Slug, slot, owner.Promotion!.IsFlipped),
                }
            );
    }

    void JudgePublication(Target place, string publication, Owner? owner, Func<PromotionRecord?, bool> serves)
    {
        if (IsStray(owner, serves))
            found.Add(
                new(
                    LeftoverKind.Publication,
                    publication,
                    owner,
                    place,
                    Sentences.ServesNobody,
                    Sentences.DoctorRemoves
                )
                {
                    Serves = serves,
                    Since = owner?.Promotion?.EndedAt,
                }
            );
    }

    void JudgeGuard(Target place, Guard guard, Owner? owner)
    {
        var problem = guard.State is null
            ? $"{guard.Objects} triggers and functions without the guard's row"
            : $"{guard.State}, {guard.Objects} triggers and functions, no promotion under way";
        var leftover = new Leftover(LeftoverKind.Guard, guard.Prefix, owner, place, problem, Sentences.DoctorRemoves)
        {
            Since = guard.ChangedAt ?? owner?.Promotion?.EndedAt,
        };
        if (owner is null)
            found.Add(leftover with { Remedy = Sentences.DropTriggersByHand(guard.Prefix) });
        else if (IsStray(owner, Legitimacy.MayHaveGuard))
            found.Add(leftover with { Serves = Legitimacy.MayHaveGuard });
        else if (guard.State == "closed" && !owner.Promotion!.IsFlipped && !atWork.Contains(owner.Tenant.Key))
            found.Add(
                leftover with
                {
                    Problem = Sentences.ClosedByNobody,
                    Remedy = Sentences.GoOnOrBack(owner.Tenant.Slug, flipped: false),
                }
            );
    }

    // A run at work clears up after itself.
    bool IsStray(Owner? owner, Func<PromotionRecord?, bool> serves) =>
        !serves(owner?.Promotion) && (owner is null || !atWork.Contains(owner.Tenant.Key));

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

    async Task LookAtAsync(
        string host,
        int port,
        IReadOnlyList<(string Database, Owner Owner)> databases,
        Target shared,
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
                if (new Target(host, port, database) is var place && place != shared)
                    await LookIntoAsync(place, owner, slots[database], shared.Database, cancellationToken);
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
                        LeftoverKind.Server,
                        $"{host}:{port}",
                        null,
                        place,
                        Sentences.CannotLook(place, e),
                        Sentences.LookAgain
                    )
                );
            else
                warnings.Add(Sentences.CannotLook(place, e));
        }
    }

    async Task LookIntoAsync(
        Target place,
        Owner owner,
        IEnumerable<SlotStatus> slots,
        string sharedDatabase,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await using var isolated = await Databases.OpenAsync(At(place), cancellationToken);
            var mark = await IsolatedJournal.OwnerAsync(isolated, cancellationToken);
            // A database of that name which is somebody else's.
            if (mark is not null && mark != owner.Tenant.Key)
                return;
            var homebound = StreamNames.Homebound(sharedDatabase, owner.Tenant);
            bool Ours(string name) => name == homebound || mark is not null;
            Func<PromotionRecord?, bool> Serves(string name) =>
                name == homebound ? Legitimacy.MayHaveHomebound : _ => false;
            foreach (var slot in slots.Where(slot => Ours(slot.Name)))
                JudgeSlot(place, slot, owner, Serves(slot.Name));
            foreach (var publication in (await PublicationsAsync(isolated, cancellationToken)).Where(Ours))
                JudgePublication(place, publication, owner, Serves(publication));
            foreach (
                var guard in (await Guard.ListAsync(isolated, cancellationToken)).Where(guard =>
                    guard is { State: "closed" } && guard.TenantKey == owner.Tenant.Key
                )
            )
                if (owner.Promotion is { EndedAt: null, IsFlipped: true } && !atWork.Contains(owner.Tenant.Key))
                    found.Add(
                        new(
                            LeftoverKind.Guard,
                            guard.Prefix,
                            owner,
                            place,
                            Sentences.ClosedByNobody,
                            Sentences.GoOnOrBack(owner.Tenant.Slug, flipped: true)
                        )
                        {
                            Since = guard.ChangedAt,
                        }
                    );
        }
        catch (PostgresException e)
        {
            warnings.Add(Sentences.CannotLook(place, e));
        }
    }

    /// <summary>How to connect to the database where something was found.</summary>
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
