using Pulumi;
using Pulumi.Gcp.Projects;
using Pulumi.Gcp.Projects.Inputs;
using Pulumi.Gcp.Sql;
using Account = Pulumi.Gcp.ServiceAccount.Account;

namespace Infra;

/// <summary>
/// The tenant's PostgreSQL server and database. The API signs in with its service account
/// (<see href="https://cloud.google.com/sql/docs/postgres/iam-authentication">IAM database authentication</see>) and
/// has no password; the migrator has one, because it creates roles and restores schemas.
/// </summary>
public sealed class Database : ComponentResource
{
    /// <summary>
    /// Role of the migrator. Created by the API, hence a member of <c>cloudsqlsuperuser</c>: never one for the runtime.
    /// </summary>
    public const string MigratorRole = "migrator";

    /// <summary>Declares the server, its database and who may sign in.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Database(string name, DatabaseArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Database", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        Instance = Server(args);
        TenantDatabase = Declare(args);
        var migrator = MigratorUser(args);
        var api = ApiUser(args);
        var signIn = SignIn(args);

        // https://cloud.google.com/sql/docs/postgres/managed-connection-pooling
        ApiPort = args.ConnectionPooling ? "6432" : "5432";
        MigratorPrerequisites = [TenantDatabase, migrator];
        ApiPrerequisites = [TenantDatabase, api, signIn];
        if (args.ManageRoles)
        {
            var roles = new ManagedRoles(args, this, migrator, api).Declare();
            ApiPrerequisites = [.. ApiPrerequisites, .. roles];
            // Default privileges reach only what is created after them.
            MigratorPrerequisites = [.. MigratorPrerequisites, .. roles];
        }

        RegisterOutputs(
            new Dictionary<string, object?> { ["instance"] = Instance.Name, ["database"] = TenantDatabase.Name }
        );
    }

    /// <summary>The server.</summary>
    public DatabaseInstance Instance { get; }

    /// <summary>Certificate of the authority that vouches for the server, as PEM.</summary>
    public Output<string> ServerCertificate => Instance.ServerCaCerts.Apply(certificates => certificates[0].Cert!);

    /// <summary>Port at which the API connects: the server's, or its connection pooler's.</summary>
    public string ApiPort { get; }

    /// <summary>The tenant's database on it.</summary>
    public Pulumi.Gcp.Sql.Database TenantDatabase { get; }

    /// <summary>What must exist before the migration job can run.</summary>
    public IReadOnlyList<Resource> MigratorPrerequisites { get; }

    /// <summary>What must exist before the API can sign in.</summary>
    public IReadOnlyList<Resource> ApiPrerequisites { get; }

    /// <summary>
    /// The account's name in PostgreSQL: its address without the domain, which would not fit an identifier.
    /// </summary>
    public static Output<string> ApiRole(Account account)
    {
        ArgumentNullException.ThrowIfNull(account);
        return account.Email.Apply(email => email.Replace(".gserviceaccount.com", "", StringComparison.Ordinal));
    }

    DatabaseInstance Server(DatabaseArgs args)
    {
        // Named by Pulumi: the name of a deleted instance stays taken for a week.
        // https://cloud.google.com/sql/docs/postgres/delete-instance
        var instance = new DatabaseInstanceArgs
        {
            DatabaseVersion = args.Version,
            Region = args.Tenant.Platform.Region,
            DeletionProtection = args.Tenant.Protected,
            FinalBackupDescription = $"Last state of tenant {args.Tenant.Slug}",
            Settings = ServerSettings.Of(args),
        };
        if (args.Encryption is { } encryption)
            instance.EncryptionKeyName = encryption.Key.Id;

        return new DatabaseInstance(
            args.Tenant.Names.Generated("db"),
            instance,
            new CustomResourceOptions
            {
                Parent = this,
                Protect = args.Tenant.Protected,
                DependsOn = args.Encryption?.Users.ToArray() ?? [],
                // The disk grows by itself; the size in the file is the size at creation.
                IgnoreChanges = { "settings.diskSize" },
            }
        );
    }

    Pulumi.Gcp.Sql.Database Declare(DatabaseArgs args) =>
        new(
            "tenant",
            new Pulumi.Gcp.Sql.DatabaseArgs
            {
                Name = args.Tenant.Names.Database,
                Instance = Instance.Name,
                Charset = "UTF8",
                Collation = args.Collation,
                // Roles that own objects in it block the drop; it goes away with its instance.
                DeletionPolicy = "ABANDON",
            },
            new CustomResourceOptions
            {
                Parent = this,
                Protect = args.Tenant.Protected,
                DeletedWith = Instance,
            }
        );

    User MigratorUser(DatabaseArgs args) =>
        new(
            "migrator",
            new UserArgs
            {
                Name = MigratorRole,
                Instance = Instance.Name,
                Type = "BUILT_IN",
                Password = args.Password,
                DeletionPolicy = "ABANDON",
            },
            new CustomResourceOptions
            {
                Parent = this,
                DeletedWith = Instance,
                AdditionalSecretOutputs = { "password" },
            }
        );

    User ApiUser(DatabaseArgs args) =>
        new(
            "api",
            new UserArgs
            {
                Name = ApiRole(args.Api),
                Instance = Instance.Name,
                Type = "CLOUD_IAM_SERVICE_ACCOUNT",
                DeletionPolicy = "ABANDON",
            },
            new CustomResourceOptions { Parent = this, DeletedWith = Instance }
        );

    IAMMember SignIn(DatabaseArgs args) =>
        new(
            "api-signs-in",
            new IAMMemberArgs
            {
                Project = args.Tenant.Platform.Project,
                Role = "roles/cloudsql.instanceUser",
                Member = args.Api.Member,
                // The role is granted on the project; the condition narrows it to this instance.
                // https://cloud.google.com/sql/docs/postgres/iam-conditions
                Condition = new IAMMemberConditionArgs
                {
                    Title = "only-this-instance",
                    Expression = Instance.Name.Apply(name =>
                        $"resource.name == 'projects/{args.Tenant.Platform.Project}/instances/{name}' "
                        + "&& resource.service == 'sqladmin.googleapis.com'"
                    ),
                },
            },
            new CustomResourceOptions { Parent = this }
        );
}
