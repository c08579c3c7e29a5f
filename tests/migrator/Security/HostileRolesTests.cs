using Migrator.Embedded;
using Migrator.Guarding;
using Migrator.Tests.Support;
using Npgsql;

namespace Migrator.Tests.Security;

/// <summary>
/// Each role of docs/security.md tries each attack on a tenant that has moved. What a role may do all the same is listed
/// there, and here.
/// </summary>
[EveryVersion]
public sealed class HostileRolesTests(Servers servers)
{
    // PostgreSQL takes these locks before it asks for any right on the table. No write of a tenant waits for them.
    const string KeepTable = "keep a table of the application's by a prepared statement";
    const string KeepGate = "keep the gate by a prepared statement";

    static readonly (string Name, string Sql)[] Attacks =
    [
        ("read the secret", "SELECT pass FROM tenant_promotion.guard"),
        ("open the guard", "UPDATE tenant_promotion.guard SET state = 'open'"),
        ("rewrite the journal", "UPDATE tenant_promotion.promotion SET state = 'shared'"),
        ("forge a proof", "SELECT tenant_promotion.proof('secret', 'moved {}')"),
        ("hold the guard", "SELECT tenant_promotion.hold('1')"),
        ("lock the guard's table", "LOCK TABLE tenant_promotion.guard IN ACCESS EXCLUSIVE MODE"),
        ("put an object beside the guard", "CREATE TABLE tenant_promotion.mine (id int)"),
        ("take the schema's name away", "ALTER SCHEMA tenant_promotion RENAME TO mine"),
        (
            "use the guard's function",
            "CREATE TRIGGER t BEFORE INSERT ON items EXECUTE FUNCTION tenant_promotion.guard_row('1')"
        ),
        ("trap the guard's table", "CREATE RULE r AS ON UPDATE TO tenant_promotion.guard DO INSTEAD NOTHING"),
        ("write for the tenant", "INSERT INTO items VALUES (900, 1)"),
        ("write with a guessed pass", "SET LOCAL tenant_promotion.pass = 'open'; INSERT INTO items VALUES (900, 1)"),
        (
            "write with a pass made of the secret",
            """
            DO $$ BEGIN PERFORM set_config('tenant_promotion.pass', encode(sha256(
                convert_to(rpad(pass, 64, 'o'), 'UTF8') || sha256(convert_to(
                rpad(pass, 64, 'i') || 'pass ' || pg_current_xact_id()::text, 'UTF8'))), 'hex'), true)
                FROM tenant_promotion.guard; END $$;
            INSERT INTO items VALUES (900, 1)
            """
        ),
        ("write with an empty pass", "SET LOCAL tenant_promotion.pass = ''; INSERT INTO items VALUES (900, 1)"),
        (
            "calm the guard by the number of its sequence",
            "SELECT setval(oid, 1) FROM pg_class WHERE relname ~ '^~tenant_promotion_.*_attention$'"
        ),
        (
            "count the guard's sequences up by their numbers",
            "SELECT nextval(oid) FROM pg_class WHERE relname ~ '^~tenant_promotion_' AND relkind = 'S'"
        ),
        (
            "write a row that is to be left alone",
            "SET LOCAL tenant_promotion.moved = 'skip'; INSERT INTO items VALUES (900, 1)"
        ),
        (
            "lose another tenant's row, which meets one to leave alone",
            "SET LOCAL tenant_promotion.moved = 'skip'; INSERT INTO items VALUES (2, 2) ON CONFLICT (id) DO UPDATE SET tenant_id = 2"
        ),
        ("ask whether rows are left alone", "SELECT tenant_promotion.skips('1', 0)"),
        (
            "use the function that notes inserts",
            "CREATE TRIGGER t BEFORE INSERT ON items EXECUTE FUNCTION tenant_promotion.inserting()"
        ),
        (KeepTable, "PREPARE keep AS UPDATE items SET id = id; DEALLOCATE keep"),
        (
            KeepGate,
            $"PREPARE keep AS DELETE FROM tenant_promotion.\"{WriteGuard.PrefixOf("1")}_gate\"; DEALLOCATE keep"
        ),
        ("write without triggers", "SET LOCAL session_replication_role = replica; INSERT INTO items VALUES (900, 1)"),
        ("switch the guard off", "ALTER TABLE items DISABLE TRIGGER USER"),
        ("take the rows away", "TRUNCATE items"),
        ("drop a slot", "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"),
        ("take a slot", "SELECT pg_create_logical_replication_slot('stolen', 'pgoutput')"),
        ("end a run", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tp/victim'"),
        ("become the migrator", $"SET LOCAL ROLE {Servers.Admin}"),
        ("join the migrator", $"GRANT {Servers.Admin} TO CURRENT_USER"),
        ("change the migrator's role", $"ALTER ROLE {Servers.Admin} CONNECTION LIMIT -1"),
    ];

    [Fact]
    public async Task No_role_gets_further_than_the_table_of_docs_security_says()
    {
        await using var move = await TenantMove.CreateAsync(
            servers,
            "CREATE TABLE items (id int PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);"
                + "INSERT INTO items SELECT n, 1 + n % 2 FROM generate_series(1, 20) n"
        );
        var major = await move.Shared.ScalarAsync<int>("SELECT current_setting('server_version_num')::int / 10000");
        var roles = await RolesAsync(move, Kinds.Where(one => one.Kind != "maintainer" || major >= 17));
        await move.PromoteAsync(validate: false);
        await using var run = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(move.Shared.ConnectionString())
            {
                ApplicationName = "tp/victim",
                Pooling = false,
            }.ConnectionString
        );
        await run.OpenAsync(TestContext.Current.CancellationToken);

        foreach (var (kind, role) in roles)
            Assert.Equal(Allowed(kind, major), await AcceptedAsync(move.Shared, role, Attacks));

        Assert.Equal("moved", await move.GuardAsync());
        await move.RollBackAsync();
        Assert.Equal(20, await move.Shared.ScalarAsync<long>("SELECT count(*) FROM items"));

        // The fence has the guard's place.
        await move.PromoteAsync(validate: false);
        await move.FinalizeAsync();
        var attacks = Attacks.Where(one => one.Name.Contains("guard") || one.Name.Contains("write")).ToArray();
        foreach (var (kind, role) in roles)
            Assert.Equal(
                Allowed(kind, major).Where(name => name == "switch the guard off"),
                await AcceptedAsync(move.Shared, role, attacks)
            );
        Assert.Equal("moved", await move.GuardAsync());
    }

    // The owner of a table decides about its triggers. Before version 16 CREATEROLE reaches every role but a superuser.
    static string[] Allowed(string kind, int major) =>
        kind switch
        {
            "owner" => [KeepTable, "switch the guard off"],
            "dashboard" => ["read the secret", KeepTable, KeepGate],
            "createrole" when major < 16 => [KeepTable, "join the migrator"],
            _ => [KeepTable],
        };

    static readonly (string Kind, string Attributes, string Rights)[] Kinds =
    [
        ("login", "LOGIN", ""),
        ("reader", "LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {0}"),
        (
            "application",
            "LOGIN",
            "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {0}"
        ),
        ("creator", "LOGIN", "GRANT ALL ON DATABASE {1} TO {0}"),
        ("createrole", "LOGIN CREATEROLE", ""),
        // Whoever looks at everything, and is given the application's rights on top of that.
        (
            "dashboard",
            "LOGIN",
            "GRANT pg_monitor, pg_read_all_data TO {0}; GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {0}"
        ),
        // What the migrator's role makes, it makes for this one.
        (
            "favoured",
            "LOGIN",
            """
            ALTER DEFAULT PRIVILEGES FOR ROLE {2} GRANT ALL ON SCHEMAS TO {0};
            ALTER DEFAULT PRIVILEGES FOR ROLE {2} GRANT ALL ON TABLES TO {0};
            ALTER DEFAULT PRIVILEGES FOR ROLE {2} GRANT ALL ON SEQUENCES TO {0};
            ALTER DEFAULT PRIVILEGES FOR ROLE {2} GRANT ALL ON FUNCTIONS TO {0};
            GRANT ALL ON ALL TABLES IN SCHEMA public TO {0};
            GRANT ALL ON SCHEMA public TO {0};
            """
        ),
        ("maintainer", "LOGIN", "GRANT pg_maintain TO {0}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {0}"),
        (
            "database_owner",
            "LOGIN",
            "ALTER DATABASE \"{1}\" OWNER TO {0}; GRANT CREATE, TEMPORARY ON DATABASE \"{1}\" TO {2}"
        ),
        // The migrator's role has to be a member of the owner.
        ("owner", "LOGIN", "GRANT {0} TO {2}; GRANT CREATE ON SCHEMA public TO {0}; ALTER TABLE items OWNER TO {0}"),
    ];

    async Task<IReadOnlyList<(string Kind, string Role)>> RolesAsync(
        TenantMove move,
        IEnumerable<(string Kind, string Attributes, string Rights)> kinds
    )
    {
        var roles = new List<(string, string)>();
        foreach (var (kind, attributes, rights) in kinds)
        {
            var role = Servers.NewName(kind);
            await servers.Shared.CreateRoleAsync(role, attributes);
            if (rights.Length > 0)
                await move.Shared.ExecuteAsync(
                    string.Format(rights, role, move.Shared.Name, Servers.Admin),
                    role: EmbeddedCluster.Superuser
                );
            roles.Add((kind, role));
        }
        return roles;
    }

    static async Task<IReadOnlyList<string>> AcceptedAsync(
        TestDatabase database,
        string role,
        IEnumerable<(string Name, string Sql)> attacks
    )
    {
        var accepted = new List<string>();
        await using var connection = await database.OpenAsync(role);
        foreach (var (name, sql) in attacks)
        {
            await using var trial = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
            try
            {
                await using var command = new NpgsqlCommand(sql, connection);
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
                accepted.Add(name);
            }
            catch (PostgresException e)
                when (e.SqlState
                        is PostgresErrorCodes.InsufficientPrivilege
                            or PostgresErrorCodes.ReadOnlySqlTransaction
                ) { }
        }
        return accepted;
    }
}
