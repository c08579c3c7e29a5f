using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What is wrong with a pull request or with a stack's outputs.</summary>
static class PullRequestMessages
{
    public static MigratorException EventUnreadable(string file, Exception e) =>
        MigratorException.Usage(
            $"{file} is not a pull request event: {Wording.OneLine(e.Message)} "
                + "Give the file that GITHUB_EVENT_PATH names."
        );

    public static MigratorException NoTenantNamed(string label) =>
        MigratorException.Usage(
            $"The pull request names no tenant. Add the label {label}:acme-corp, "
                + $"or the label {label} with a title '[TENANT: acme-corp] …' "
                + "or a line 'Tenant: acme-corp' in the description."
        );

    public static MigratorException TenantsNamedDiffer(IEnumerable<(string Source, Slug Slug)> named) =>
        MigratorException.Usage(
            "The pull request names different tenants: "
                + string.Join(", ", named.Distinct().Select(mention => $"{mention.Slug} ({mention.Source})"))
                + ". Keep one of them."
        );

    public static MigratorException NamedTenantInvalid(string source, string text) =>
        MigratorException.Usage($"In the {source}: {UsageMessages.SlugInvalid(Wording.OneLine(text))}");

    public static MigratorException StackNotCommitted(Slug slug) =>
        MigratorException.Usage(
            $"Tenant '{slug}' has no committed stack: Pulumi.{slug}.yaml is missing. "
                + "Commit the file first, or correct the slug."
        );

    public static MigratorException StackOutputsUnreadable(string file, Slug slug, Exception e) =>
        MigratorException.Usage(
            $"{file} does not hold the outputs of a tenant's stack: {Wording.OneLine(e.Message)} "
                + $"Write it with 'pulumi stack output --json --stack {slug}'."
        );

    public static MigratorException StackOutputsOfAnother(string file, Slug slug, string other) =>
        MigratorException.Usage(
            $"{file} holds the outputs of tenant '{Wording.OneLine(other)}', not of '{slug}'. "
                + $"Write it with 'pulumi stack output --json --stack {slug}'."
        );

    public static MigratorException StackEndpointUnknown(string endpoint, string prefix) =>
        MigratorException.Usage(
            $"The stack's API is '{Wording.OneLine(endpoint)}', which does not begin with '{prefix}'. "
                + "Deploy the stack with this version's infra, then write its outputs again."
        );
}
