using Migrator.Model;
using Npgsql;

namespace Migrator.Messages;

/// <summary>Why the application could not work in the isolated database.</summary>
static class ApplicationMessages
{
    const string Setting =
        "Set \"application_role\" in tenancy.json to the role that has the application's rights in the ";

    public static string NoGrants(string login, string role) =>
        $"The application's login {login} could read nothing in the isolated database: role {role}, whose rights it gets, "
        + $"may read none of the tenant's tables in the shared database. {Setting}shared database, "
        + $"or run GRANT SELECT, INSERT, UPDATE, DELETE ON … TO {Sql.Identifier(role)} there.";

    public static string GrantsUnknown(string login, string role) =>
        $"No grant in the shared database lets role {role} read the tenant's tables. The isolated database's server knows that "
        + $"role: whether the application's login {login} may read them there is found out before the flip. "
        + $"{Setting}shared database to know it now.";

    public static string ReadsNothing(string login, string role, NpgsqlConnectionStringBuilder server) =>
        $"The application's login {login} may read none of the tenant's tables on {server.Host}:{server.Port}. The tenant is not "
        + $"sent there. {Setting}shared database, "
        + $"or run GRANT {Sql.Identifier(role)} TO {Sql.Identifier(login)} there if {role} has them, "
        + "then run the same command again.";

    public static string ReadsLess(
        string login,
        string role,
        IReadOnlyList<TableName> tables,
        NpgsqlConnectionStringBuilder server
    ) =>
        $"The application's login {login} may not read {Wording.List(tables)} on {server.Host}:{server.Port}, "
        + $"which the shared database grants to it or to {role}. The tenant is not sent there. "
        + $"Run GRANT SELECT ON {tables[0].Quoted} TO {Sql.Identifier(role)} in the isolated database, and for other tables likewise, "
        + "then run the same command again.";

    public static string CannotConnect(string login, string role, string database) =>
        $"The application's login {login} may not connect to {database}: it is a member of no role that may. The tenant is not "
        + $"sent there. Run GRANT {Sql.Identifier(role)} TO {Sql.Identifier(login)} on that server, "
        + "then run the same command again.";
}
