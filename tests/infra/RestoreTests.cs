using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Infra.Tests.Support;

namespace Infra.Tests;

/// <summary>
/// Restores the program as the Pulumi CLI does, from a feed whose audit source knows advisories. The packages are empty
/// ones with the dependencies of the real ones.
/// </summary>
public sealed class RestoreTests : IDisposable
{
    static readonly (string Id, string Version, (string Id, string Version)[] Dependencies)[] Packages =
    [
        ("Pulumi", Central("PulumiVersion"), [("OpenTelemetry", "1.9.0"), (Exporter, "1.9.0")]),
        ("Pulumi.Gcp", Central("PulumiGcpVersion"), [("Pulumi", "3.0.0")]),
        ("Pulumi.PostgreSql", Central("PulumiPostgreSqlVersion"), [("Pulumi", "3.0.0")]),
        ("OpenTelemetry", "1.9.0", []),
        ("OpenTelemetry", Pinned("OpenTelemetry"), []),
        (Exporter, "1.9.0", [("OpenTelemetry", "1.9.0")]),
        (Exporter, Pinned(Exporter), [("OpenTelemetry", Pinned("OpenTelemetry"))]),
    ];

    const string Exporter = "OpenTelemetry.Exporter.OpenTelemetryProtocol";

    readonly string folder = Directory.CreateTempSubdirectory("restore-").FullName;
    readonly HttpListener listener = new();

    public void Dispose()
    {
        ((IDisposable)listener).Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("infra")]
    [InlineData("platform")]
    public async Task The_advisories_of_the_versions_that_Pulumi_asks_for_do_not_concern_the_program(string program)
    {
        var (exitCode, output) = await RestoreAsync(
            program,
            (Exporter, "(, 1.15.3)", 1),
            ("OpenTelemetry", "(, 1.15.3)", 1)
        );

        Assert.True(exitCode == 0, output);
        Assert.DoesNotContain("NU190", output);
    }

    [Fact]
    public async Task An_advisory_of_tomorrow_is_reported_and_stops_no_deployment_however_severe()
    {
        string[] packages = ["Pulumi", "Pulumi.Gcp", "Pulumi.PostgreSql", Exporter];

        var (exitCode, output) = await RestoreAsync(
            "infra",
            [.. packages.Select((package, severity) => (package, "(, 99.0)", severity))]
        );

        Assert.True(exitCode == 0, output);
        Assert.All(
            packages.Index(),
            package => Assert.Contains($"warning NU190{package.Index + 1}: Package '{package.Item}'", output)
        );
    }

    /// <summary>Restores a program where there are advisories for some versions of packages.</summary>
    async Task<(int ExitCode, string Output)> RestoreAsync(
        string program,
        params (string Package, string Versions, int Severity)[] advisories
    )
    {
        var feed = Directory.CreateDirectory(Path.Combine(folder, "feed")).FullName;
        foreach (var (id, version, dependencies) in Packages)
            await PackAsync(Path.Combine(feed, $"{id}.{version}.nupkg"), id, version, dependencies);
        var audit = Audit(advisories);
        var config = Path.Combine(folder, "NuGet.Config");
        await File.WriteAllTextAsync(
            config,
            $"""
            <configuration>
              <packageSources><clear /><add key="feed" value="{feed}" /></packageSources>
              <auditSources>
                <clear /><add key="audit" value="{audit}" allowInsecureConnections="true" />
              </auditSources>
            </configuration>
            """,
            TestContext.Current.CancellationToken
        );

        var (exitCode, output, error) = await Tool.RunAsync(
            "dotnet",
            [
                "restore",
                program,
                "--configfile",
                config,
                "--packages",
                Path.Combine(folder, "packages"),
                $"-p:ArtifactsPath={folder}/artifacts",
            ],
            environment: ("NUGET_HTTP_CACHE_PATH", Path.Combine(folder, "http"))
        );
        return (exitCode, output + error);
    }

    /// <summary>
    /// Serves the advisories.
    /// See <see href="https://learn.microsoft.com/nuget/api/vulnerability-info">vulnerability info</see>.
    /// </summary>
    string Audit((string Package, string Versions, int Severity)[] advisories)
    {
        var address = $"http://localhost:{FreePort()}/";
        var resource = $$"""{"@id":"{{address}}vulnerabilities.json","@type":"VulnerabilityInfo/6.7.0"}""";
        var page = $$"""{"@name":"base","@id":"{{address}}base.json","@updated":"2026-01-01T00:00:00Z"}""";
        var answers = new Dictionary<string, string>
        {
            ["/index.json"] = $$"""{"version":"3.0.0","resources":[{{resource}}]}""",
            ["/vulnerabilities.json"] = $"[{page}]",
            ["/base.json"] = JsonSerializer.Serialize(
                advisories.ToDictionary(
                    advisory => advisory.Package.ToLowerInvariant(),
                    advisory =>
                        new[]
                        {
                            new
                            {
                                url = $"{address}advisory",
                                severity = advisory.Severity,
                                versions = advisory.Versions,
                            },
                        }
                )
            ),
        };
        listener.Prefixes.Add(address);
        listener.Start();
        _ = AnswerAsync(answers);
        return $"{address}index.json";
    }

    async Task AnswerAsync(Dictionary<string, string> answers)
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // The test has ended.
                return;
            }

            if (answers.TryGetValue(context.Request.Url!.AbsolutePath, out var answer))
                await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answer));
            else
                context.Response.StatusCode = 404;
            context.Response.Close();
        }
    }

    static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    static async Task PackAsync(string path, string id, string version, (string Id, string Version)[] dependencies)
    {
        XNamespace space = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd";
        var group = dependencies.Select(dependency => new XElement(
            space + "dependency",
            new XAttribute("id", dependency.Id),
            new XAttribute("version", dependency.Version)
        ));
        var package = new XElement(
            space + "package",
            new XElement(
                space + "metadata",
                new XElement(space + "id", id),
                new XElement(space + "version", version),
                new XElement(space + "authors", "test"),
                new XElement(space + "description", "empty"),
                new XElement(
                    space + "dependencies",
                    new XElement(space + "group", new XAttribute("targetFramework", "net6.0"), group)
                )
            )
        );
        await using var archive = await ZipFile.OpenAsync(path, ZipArchiveMode.Create);
        await using (var entry = await archive.CreateEntry($"{id}.nuspec").OpenAsync())
            await entry.WriteAsync(Encoding.UTF8.GetBytes(package.ToString()));
        await using (var entry = await archive.CreateEntry("lib/net6.0/_._").OpenAsync())
            await entry.WriteAsync(Array.Empty<byte>());
    }

    static string Central(string property) => Versions().Descendants(property).Single().Value;

    static string Pinned(string package) =>
        Versions()
            .Descendants("PackageVersion")
            .Single(version => version.Attribute("Include")!.Value == package)
            .Attribute("Version")!
            .Value;

    static XDocument Versions() => XDocument.Load(Path.Combine(StackFiles.Root, "Directory.Packages.props"));
}
