using Pulumi;
using Pulumi.Gcp.Sql;
using Pulumi.PostgreSql;

namespace Infra;

/// <summary>Roles and grants in the tenant's database, where Pulumi has a route to its private address.</summary>
sealed class ManagedRoles(DatabaseArgs args, Database database, User migrator, User api)
{
    internal IReadOnlyList<Resource> Declare()
    {
        var options = new CustomResourceOptions
        {
            Parent = database,
            Provider = Provider(),
            DeletedWith = database.Instance,
        };
        var application = new Role(
            "application",
            new RoleArgs { Name = args.Tenant.Names.ApplicationRole, Login = false },
            options
        );
        return
        [
            Membership(application, options),
            .. Connections(application, options),
            .. Defaults(application, options),
        ];
    }

    Pulumi.PostgreSql.Provider Provider() =>
        new(
            "postgres",
            new Pulumi.PostgreSql.ProviderArgs
            {
                Host = database.Instance.PrivateIpAddress,
                Port = 5432,
                Username = Database.MigratorRole,
                Password = args.Password,
                Database = args.Tenant.Names.Database,
                // The address is private and the runner's; no certificate of the server is at hand where Pulumi runs.
                Sslmode = "require",
                ConnectTimeout = 30,
                // Cloud SQL gives nobody PostgreSQL's SUPERUSER.
                Superuser = false,
            },
            new CustomResourceOptions { Parent = database, DependsOn = { database.TenantDatabase, migrator } }
        );

    GrantRole Membership(Role application, CustomResourceOptions options) =>
        new(
            "api-is-application",
            new GrantRoleArgs { Role = Database.ApiRole(args.Api), GrantRoleName = application.Name },
            CustomResourceOptions.Merge(options, new CustomResourceOptions { DependsOn = { api } })
        );

    Grant[] Connections(Role application, CustomResourceOptions options) =>
        [
            // No privileges for PUBLIC: PostgreSQL lets everybody connect to a new database.
            Grant(options, "public-does-not-connect", "public", "database", schema: null),
            Grant(options, "application-connects", application.Name, "database", schema: null, "CONNECT"),
            Grant(options, "application-uses-schema", application.Name, "schema", "public", "USAGE"),
        ];

    DefaultPrivileges[] Defaults(Role application, CustomResourceOptions options) =>
        [
            Default(options, application, "application-writes-tables", "table", "SELECT", "INSERT", "UPDATE", "DELETE"),
            Default(options, application, "application-uses-sequences", "sequence", "USAGE", "SELECT"),
        ];

    Grant Grant(
        CustomResourceOptions options,
        string name,
        Input<string> role,
        string objectType,
        string? schema,
        params string[] privileges
    ) =>
        new(
            name,
            new GrantArgs
            {
                Database = database.TenantDatabase.Name,
                Role = role,
                Schema = schema is null ? null : (Input<string>)schema,
                ObjectType = objectType,
                Privileges = privileges,
            },
            options
        );

    DefaultPrivileges Default(
        CustomResourceOptions options,
        Role application,
        string name,
        string objectType,
        params string[] privileges
    ) =>
        new(
            name,
            new DefaultPrivilegesArgs
            {
                Database = database.TenantDatabase.Name,
                Role = application.Name,
                Schema = "public",
                // Default privileges belong to the role that creates the tables.
                // https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
                Owner = Database.MigratorRole,
                ObjectType = objectType,
                Privileges = privileges,
            },
            options
        );
}
