namespace Infra;

/// <summary>What <see cref="Services"/> are made of.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Identity">Whom the services run as, and the tenant's user pool.</param>
/// <param name="Database">The API's database.</param>
/// <param name="Secrets">What the services know.</param>
/// <param name="Migration">The job whose prerequisites come before the services.</param>
/// <param name="Network">Where the API may connect to.</param>
public sealed record ServicesArgs(
    Tenant Tenant,
    Identity Identity,
    Database Database,
    Secrets Secrets,
    Migration Migration,
    Network Network
)
{
    /// <summary>Image of the API, by digest.</summary>
    public required string ApiImage { get; init; }

    /// <summary>Image of the user interface, by digest.</summary>
    public required string UiImage { get; init; }

    /// <summary>Instances of each service that are always warm.</summary>
    public required int MinInstances { get; init; }

    /// <summary>Instances of each service at most.</summary>
    public required int MaxInstances { get; init; }

    /// <summary>Requests that one instance serves at a time.</summary>
    public required int Concurrency { get; init; }

    /// <summary>CPUs of one instance.</summary>
    public required int Cpu { get; init; }

    /// <summary>Memory of one instance, such as <c>512Mi</c>.</summary>
    public required string Memory { get; init; }

    /// <summary>Database connections that one API instance may open.</summary>
    public required int ConnectionsPerInstance { get; init; }
}
