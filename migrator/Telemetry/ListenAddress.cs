using System.Globalization;
using System.Net;

namespace Migrator.Telemetry;

/// <summary>Where this machine offers metrics.</summary>
/// <param name="Host">A name or an address of this machine; <c>*</c> for all its addresses.</param>
public sealed record ListenAddress(string Host, int Port)
{
    const string Here = "localhost";
    const string Everywhere = "*";

    /// <summary>What <see cref="HttpListener"/> is to listen for: it answers whoever calls it by one of these names.</summary>
    public IReadOnlyList<string> Names =>
        Host switch
        {
            Here => [Here, $"{IPAddress.Loopback}"],
            Everywhere => ["+"],
            _ => [Host],
        };

    /// <param name="text">As in 9464, 10.0.0.5:9464 or *:9464; a port alone is one of localhost.</param>
    /// <param name="address">Null if it returns false.</param>
    public static bool TryParse(string text, out ListenAddress? address)
    {
        address = null;
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? Here : text[..colon];
        if (
            !int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is 0 or > IPEndPoint.MaxPort
        )
            return false;
        if (host is "" or "0.0.0.0")
            host = Everywhere;
        // HttpListener has no IPv6 but on Windows.
        if (host != Everywhere && Uri.CheckHostName(host) is not (UriHostNameType.Dns or UriHostNameType.IPv4))
            return false;
        address = new(host, port);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Host}:{Port}";
}
