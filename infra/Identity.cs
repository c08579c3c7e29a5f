using Pulumi;
using Pulumi.Gcp.IdentityPlatform;
using Pulumi.Gcp.IdentityPlatform.Inputs;
using Pulumi.Gcp.Projects;
using Pulumi.Gcp.Projects.Inputs;
using Pulumi.Gcp.ServiceAccount;

namespace Infra;

/// <summary>
/// Who the tenant's programs and users are: a service account a workload without any role of its own, an
/// <see href="https://cloud.google.com/identity-platform/docs/multi-tenancy">Identity Platform tenant</see> for the
/// users, and an API key that works for sign-in from the tenant's own pages only. Roles are granted where the resource
/// is declared that they open, on that resource.
/// </summary>
public sealed class Identity : ComponentResource
{
    /// <summary>Declares the accounts, the identity tenant and the key.</summary>
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Identity(string name, IdentityArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Identity", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        Api = Account(args, "api");
        Ui = Account(args, "ui");
        Migrator = Account(args, "migrator");

        Users = UserPool(args);
        Key = SignInKey(args);

        RegisterOutputs(
            new Dictionary<string, object?>
            {
                ["api"] = Api.Email,
                ["ui"] = Ui.Email,
                ["migrator"] = Migrator.Email,
                ["users"] = Users.Name,
            }
        );
    }

    /// <summary>Account of the API.</summary>
    public Account Api { get; }

    /// <summary>Account of the user interface.</summary>
    public Account Ui { get; }

    /// <summary>Account of the migration job.</summary>
    public Account Migrator { get; }

    /// <summary>The tenant's user pool.</summary>
    public Pulumi.Gcp.IdentityPlatform.Tenant Users { get; }

    /// <summary>The browser's sign-in key.</summary>
    public ApiKey Key { get; }

    Pulumi.Gcp.IdentityPlatform.Tenant UserPool(IdentityArgs args) =>
        new(
            "users",
            new TenantArgs
            {
                DisplayName = args.Tenant.Names.IdentityTenant,
                AllowPasswordSignup = true,
                EnableEmailLinkSignin = false,
                // Users are invited by their administrator; nobody signs up into somebody else's tenant.
                Client = new TenantClientArgs
                {
                    Permissions = new TenantClientPermissionsArgs
                    {
                        DisabledUserSignup = true,
                        DisabledUserDeletion = true,
                    },
                },
            },
            new CustomResourceOptions { Parent = this, Protect = args.Tenant.Protected }
        );

    // Named by Pulumi: a deleted key keeps its name for 30 days.
    // https://cloud.google.com/docs/authentication/api-keys#delete_an_api_key
    ApiKey SignInKey(IdentityArgs args) =>
        new(
            args.Tenant.Names.Generated("signin"),
            new ApiKeyArgs
            {
                DisplayName = $"Sign-in from {args.Tenant.UiHost}",
                Restrictions = new ApiKeyRestrictionsArgs
                {
                    ApiTargets =
                    {
                        new ApiKeyRestrictionsApiTargetArgs { Service = "identitytoolkit.googleapis.com" },
                        new ApiKeyRestrictionsApiTargetArgs { Service = "securetoken.googleapis.com" },
                    },
                    BrowserKeyRestrictions = new ApiKeyRestrictionsBrowserKeyRestrictionsArgs
                    {
                        AllowedReferrers = { $"https://{args.Tenant.UiHost}/*" },
                    },
                },
            },
            new CustomResourceOptions { Parent = this }
        );

    Account Account(IdentityArgs args, string workload) =>
        new(
            workload,
            new AccountArgs
            {
                AccountId = args.Tenant.Names.Account(workload),
                DisplayName = $"{workload} of tenant {args.Tenant.Slug}",
            },
            new CustomResourceOptions { Parent = this }
        );
}

/// <summary>What <see cref="Identity"/> is made of.</summary>
/// <param name="Tenant">The tenant.</param>
public sealed record IdentityArgs(Tenant Tenant);
