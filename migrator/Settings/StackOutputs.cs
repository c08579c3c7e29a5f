using System.Text.Json;
using Migrator.Messages;
using Migrator.Model;

namespace Migrator.Settings;

/// <summary>
/// The outputs of the tenant's infrastructure, as <c>pulumi stack output --json</c> prints them: the routing
/// document with the dedicated server's address, and the migrator's role there. Passwords stay in the
/// environment.
/// </summary>
public sealed record StackOutputs(RoutingDocument Routing, string User)
{
    /// <exception cref="MigratorException">
    /// The file is missing, holds no such document, or belongs to another tenant.
    /// </exception>
    public static async Task<StackOutputs> ReadAsync(FileInfo file, Slug slug, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = file.OpenRead();
            using var document = await JsonDocument.ParseAsync(stream, cancellationToken: cancellationToken);
            var routing = document.RootElement.GetProperty("routing").Deserialize<RoutingDocument>();
            var user = document.RootElement.GetProperty("databaseUser").GetString();
            if (
                routing is not { Database: { Host.Length: > 0, Port: > 0 }, Endpoints.Api: not null }
                || string.IsNullOrEmpty(user)
            )
                throw new JsonException("An address is empty.");
            if (routing.TenantSlug != slug.Text || routing.Database.Name != slug.DatabaseName)
                throw PullRequestMessages.StackOutputsOfAnother(file.Name, slug, routing.TenantSlug);
            return new(routing, user);
        }
        catch (Exception e)
            when (e
                    is IOException
                        or UnauthorizedAccessException
                        or JsonException
                        or KeyNotFoundException
                        or InvalidOperationException
            )
        {
            throw PullRequestMessages.StackOutputsUnreadable(file.Name, slug, e);
        }
    }

    /// <summary>The settings with the dedicated server and its domain.</summary>
    public MigratorSettings Apply(MigratorSettings settings, Slug slug)
    {
        var prefix = $"api-{slug}.";
        if (!Routing.Endpoints.Api.StartsWith(prefix, StringComparison.Ordinal))
            throw PullRequestMessages.StackEndpointUnknown(Routing.Endpoints.Api, prefix);
        var target = new Npgsql.NpgsqlConnectionStringBuilder(settings.Target.ConnectionString)
        {
            Host = Routing.Database.Host,
            Port = Routing.Database.Port,
            Username = User,
        };
        return settings with
        {
            Target = target,
            Tenancy = settings.Tenancy with { Domain = Routing.Endpoints.Api[prefix.Length..] },
        };
    }
}
