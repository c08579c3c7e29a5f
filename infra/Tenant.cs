using System.Collections.Immutable;

namespace Infra;

/// <summary>What every part of the stack is told about the tenant.</summary>
/// <param name="Names">Physical names.</param>
/// <param name="Platform">What is shared with others.</param>
/// <param name="Tier">The plan's name.</param>
/// <param name="Protected">Whether data and whatever serves it resist deletion.</param>
public sealed record Tenant(Names Names, Platform Platform, string Tier, bool Protected)
{
    /// <summary>The tenant; the stack's name.</summary>
    public Slug Slug => Names.Slug;

    /// <summary>Host name of the API.</summary>
    public string ApiHost => $"api-{Slug}.{Platform.DnsDomain.TrimEnd('.')}";

    /// <summary>Host name of the user interface.</summary>
    public string UiHost => $"app-{Slug}.{Platform.DnsDomain.TrimEnd('.')}";

    /// <summary>
    /// Labels that everything labelable carries; costs are reported and budgeted by <c>tenant</c>.
    /// </summary>
    public ImmutableDictionary<string, string> Labels =>
        ImmutableDictionary.CreateRange(
            new Dictionary<string, string>
            {
                ["tenant"] = Slug.Text,
                ["tier"] = Tier,
                ["managed-by"] = "pulumi",
            }
        );
}
