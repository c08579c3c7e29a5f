using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>Rights that preflight misses, of the migrator's roles and of the application's.</summary>
static class PrivilegeMessages
{
    public static string NoCreateOnDatabase(string role, string database) =>
        $"Role {role} may not create schemas and tables in {database}. "
        + $"Run GRANT CREATE ON DATABASE {Sql.Identifier(database)} TO {Sql.Identifier(role)} there, "
        + $"and GRANT CREATE ON SCHEMA public TO {Sql.Identifier(role)}.";

    public static string NoTemporaryOnDatabase(string role, string database) =>
        $"Role {role} may not create temporary tables in {database}, which a rollback needs. "
        + $"Run GRANT TEMPORARY ON DATABASE {Sql.Identifier(database)} TO {Sql.Identifier(role)} there.";

    public static string NotOwner(string role, string owner, IEnumerable<TableName> tables) =>
        $"Role {role} neither owns {Wording.List(tables)} nor is a member of the owner. "
        + $"Run GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(role)}.";

    public static string ObjectsNotOwned(string role, string owner, IReadOnlyList<string> objects)
    {
        var more = objects.Count > 5 ? $" and {objects.Count - 5} more" : "";
        return $"Role {role} may not make {owner} the owner of these objects in the new database: "
            + $"{string.Join(", ", objects.Take(5))}{more}. "
            + $"Run GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(role)}, "
            + $"or change their owner to a role that {role} is a member of.";
    }

    public static string NotMemberOnTarget(string role, string owner, NpgsqlConnectionStringBuilder server) =>
        $"On {server.Host}:{server.Port} role {role} is not a member of {owner}, which will own objects there. "
        + $"Run GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(role)} there.";

    public static string TargetOfStranger(
        Slug slug,
        string owner,
        string worker,
        NpgsqlConnectionStringBuilder server
    ) =>
        $"Database {slug.DatabaseName} on {server.Host}:{server.Port} belongs to {owner}, who could drop the tenant's tables there. "
        + $"Run ALTER DATABASE {Sql.Identifier(slug.DatabaseName)} OWNER TO {Sql.Identifier(worker)} there if it is meant for the "
        + $"tenant, or GRANT {Sql.Identifier(owner)} TO {Sql.Identifier(worker)}; else drop it.";

    public static string SequenceNotOwned(string role, TableName sequence) =>
        $"Role {role} neither owns sequence {sequence} nor is a member of its owner. Grant the owner to {role}.";

    public static string ForcedRowSecurity(string role, TableName table) =>
        $"{table} has FORCE ROW LEVEL SECURITY, which hides rows even from the table's owner. "
        + $"Run ALTER ROLE {Sql.Identifier(role)} BYPASSRLS, "
        + $"or ALTER TABLE {table.Quoted} NO FORCE ROW LEVEL SECURITY.";

    public static string ForcedRowSecurityThere(
        string role,
        IEnumerable<TableName> tables,
        NpgsqlConnectionStringBuilder server
    ) =>
        $"On {server.Host}:{server.Port} FORCE ROW LEVEL SECURITY will hide the rows of {Wording.List(tables)} from role {role} too. "
        + $"Run ALTER ROLE {Sql.Identifier(role)} BYPASSRLS there.";

    public static string UntrustedFunction(string function) =>
        $"Function {function} is written in a language that only a superuser may use, and belongs to no extension. "
        + "Package the function as an extension, or drop it.";

    public static string RolesMissing(string role, IReadOnlyList<string> missing) =>
        $"The isolated database's server lacks the roles {string.Join(", ", missing)}, and {role} may not create them. "
        + $"Create the roles there, or run ALTER ROLE {Sql.Identifier(role)} CREATEROLE there.";

    public static string LoginWithoutPassword(string role, NpgsqlConnectionStringBuilder server) =>
        $"Role {role} cannot log in to {server.Host}:{server.Port}: it does not exist there, and passwords are not copied. "
        + $"Run CREATE ROLE {Sql.Identifier(role)} LOGIN PASSWORD '…' there (as it logs in now), "
        + "before the application is sent there.";

    public static string NoLogin(string role, NpgsqlConnectionStringBuilder server) =>
        $"Role {role} may not log in to {server.Host}:{server.Port}: it is NOLOGIN there. "
        + $"Run ALTER ROLE {Sql.Identifier(role)} LOGIN PASSWORD '…' there (as it logs in now), "
        + "before the application is sent there.";

    public static string ApplicationNotMember(string login, string role, NpgsqlConnectionStringBuilder server) =>
        $"On {server.Host}:{server.Port} the application's login {login} is not a member of {role}, which may use the tables, "
        + $"and the migrator may not grant that. Run GRANT {Sql.Identifier(role)} TO {Sql.Identifier(login)} there.";

    public static string ApplicationNotTried(string login) =>
        $"A login as {login} is not tried before the flip: its password is not known here. "
        + "Set MIGRATOR_APPLICATION_PASSWORD to have it tried.";

    public static string ApplicationCannotLogIn(string login, NpgsqlConnectionStringBuilder server, string why) =>
        $"The application's login {login} is refused by {server.Host}:{server.Port}: {why}. The tenant is not sent there. "
        + $"Run ALTER ROLE {Sql.Identifier(login)} LOGIN PASSWORD '…' there, or correct pg_hba.conf and "
        + "MIGRATOR_APPLICATION_PASSWORD, then run the same command again.";

    public static string NoApplicationRole(string role) =>
        $"Role {role}, by which validation checks access, does not exist. "
        + "Set \"application_role\" in tenancy.json to the application's role.";

    public static string NoCreateDb(string role) =>
        $"Role {role} may not create databases on the isolated database's server. "
        + $"Run ALTER ROLE {Sql.Identifier(role)} CREATEDB there, or create the tenant's database there.";

    public static string OwnersAreTrusted(
        string role,
        IReadOnlyList<string> attributes,
        IReadOnlyList<string> owners
    ) =>
        $"Casts, checks, generated columns and indexes of {string.Join(", ", owners)} are evaluated in the sessions of {role}, "
        + $"which has {string.Join(", ", attributes)}. If the owner of the tables is not to have that, give it to a login of "
        + "its own (DB_ADMIN_USER, DB_ADMIN_PASSWORD); docs/security.md says how.";
}
