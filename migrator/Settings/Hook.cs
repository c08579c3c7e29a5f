namespace Migrator.Settings;

/// <summary>A program or a URL that is told what happens to tenants: one entry of <c>hooks</c> in tenancy.json.</summary>
/// <param name="Name">What messages and the journal call it.</param>
/// <param name="On">The events that it is told of; see <see cref="Model.HookEvent"/>.</param>
public sealed record Hook(string Name, IReadOnlyList<string> On)
{
    /// <summary>How long a hook may take if its settings say nothing.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The most that its settings may say.</summary>
    public static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(1);

    /// <summary>The program and its arguments, as they are: no shell reads them. Empty for a URL.</summary>
    public IReadOnlyList<string> Run { get; init; } = [];

    /// <summary>Where to post; null for a program.</summary>
    public Uri? Url { get; init; }

    /// <summary>The environment variable with the secret that signs what is posted; null for a program.</summary>
    public string? Secret { get; init; }

    /// <summary>How long one call may take.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    /// <summary>After how long without any progress a phase has stalled.</summary>
    public TimeSpan StalledAfter { get; init; } = TimeSpan.FromMinutes(5);
}
