using CsCheck;
using Infra.Tests.Support;

namespace Infra.Tests;

public class IsolationTests
{
    const string Rfc1035 = "^[a-z]([-a-z0-9]*[a-z0-9])?$";

    // Each API's own rule: type, property ("" is the name that Pulumi completes), pattern, shortest, longest.
    static readonly (string Type, string Property, string Pattern, int Min, int Max)[] Rules =
    [
        ("gcp:serviceaccount/account:Account", "accountId", "^[a-z]([-a-z0-9]*[a-z0-9])$", 6, 30),
        ("gcp:identityplatform/tenant:Tenant", "displayName", "^[a-zA-Z][-a-zA-Z0-9]*$", 4, 20),
        ("gcp:projects/apiKey:ApiKey", "", Rfc1035, 1, 63),
        ("gcp:sql/databaseInstance:DatabaseInstance", "", "^[a-z][-a-z0-9]*$", 1, 98 - 1 - 30),
        ("gcp:sql/database:Database", "name", "^[a-z_][a-z0-9_]*$", 1, 63),
        ("gcp:sql/user:User", "name", "^[a-z][-@.a-z0-9]*$", 1, 63),
        ("postgresql:index/role:Role", "name", "^[a-z_][a-z0-9_]*$", 1, 63),
        ("gcp:secretmanager/secret:Secret", "secretId", "^[a-zA-Z0-9_-]+$", 1, 255),
        ("gcp:cloudrunv2/service:Service", "name", Rfc1035, 1, 49),
        ("gcp:cloudrunv2/job:Job", "name", Rfc1035, 1, 49),
        ("gcp:compute/globalAddress:GlobalAddress", "name", Rfc1035, 1, 63),
        ("gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup", "name", Rfc1035, 1, 63),
        ("gcp:compute/backendService:BackendService", "name", Rfc1035, 1, 63),
        ("gcp:compute/securityPolicy:SecurityPolicy", "name", Rfc1035, 1, 63),
        ("gcp:compute/uRLMap:URLMap", "name", Rfc1035, 1, 63),
        ("gcp:compute/sSLPolicy:SSLPolicy", "name", Rfc1035, 1, 63),
        ("gcp:compute/targetHttpProxy:TargetHttpProxy", "name", Rfc1035, 1, 63),
        ("gcp:compute/targetHttpsProxy:TargetHttpsProxy", "name", Rfc1035, 1, 63),
        ("gcp:compute/globalForwardingRule:GlobalForwardingRule", "name", Rfc1035, 1, 63),
        ("gcp:certificatemanager/certificate:Certificate", "name", Rfc1035, 1, 63),
        ("gcp:certificatemanager/certificateMap:CertificateMap", "name", Rfc1035, 1, 63),
        ("gcp:certificatemanager/certificateMapEntry:CertificateMapEntry", "name", Rfc1035, 1, 63),
        ("gcp:certificatemanager/dnsAuthorization:DnsAuthorization", "name", Rfc1035, 1, 63),
        ("gcp:dns/recordSet:RecordSet", "name", @"^([a-z0-9_]([-a-z0-9]{0,61}[a-z0-9])?\.)+$", 1, 253),
        ("gcp:logging/metric:Metric", "name", "^[A-Za-z0-9][-A-Za-z0-9_.]*$", 1, 100),
        ("gcp:logging/projectBucketConfig:ProjectBucketConfig", "bucketId", "^[A-Za-z0-9][-A-Za-z0-9_.]*$", 1, 100),
        ("gcp:logging/projectSink:ProjectSink", "name", "^[A-Za-z0-9][-A-Za-z0-9_.]*$", 1, 100),
        ("gcp:compute/firewall:Firewall", "name", Rfc1035, 1, 63),
        ("gcp:kms/cryptoKey:CryptoKey", "", "^[a-zA-Z0-9_-]+$", 1, 63),
        ("gcp:monitoring/customService:CustomService", "serviceId", "^[a-z0-9-]+$", 1, 63),
        ("gcp:monitoring/slo:Slo", "sloId", "^[a-zA-Z0-9-]+$", 1, 63),
        ("gcp:billing/budget:Budget", "displayName", "^.+$", 1, 60 + 3),
    ];

    static readonly string[] Neighbours =
    [
        "api",
        "api-acme",
        "db-acme",
        "tls-acme",
        "acme",
        "acme-corp",
        "acme-corp-two",
        "0",
        "a-a",
    ];

    // Short ones, long ones, and families that differ only where a shortened name was cut.
    static readonly Gen<string> Slugs = Gen.OneOf(
            Gen.String[Gen.Char["abcxyz019"], 1, 8].List[1, 6].Select(words => string.Join('-', words)),
            Gen.Select(Gen.String[Gen.Char["ab1"], 1, 3], Gen.Int[30, 52])
                .Select((end, length) => new string('a', length) + end),
            Gen.Int[0, Neighbours.Length - 1].Select(index => Neighbours[index])
        )
        .Where(slug => slug.Length <= Slug.MaxLength);

    [Fact]
    public Task Every_legal_slug_gives_names_that_each_API_accepts() =>
        Slugs.SampleAsync(
            async slug =>
            {
                var graph = await Graph.DeployAsync(slug, StackFiles.Settings("globex-health"));

                foreach (var (type, property, pattern, min, max) in Rules)
                {
                    var names = Names(graph, type, property);
                    Assert.NotEmpty(names);
                    Assert.All(
                        names,
                        name =>
                        {
                            Assert.Matches(pattern, name);
                            Assert.InRange(name.Length, min, max);
                        }
                    );
                }
            },
            iter: 40,
            threads: 1
        );

    [Fact]
    public Task Two_tenants_share_no_physical_name() =>
        Gen.Select(Slugs, Slugs)
            .Where((one, other) => one != other)
            .SampleAsync(
                async (one, other) =>
                {
                    var first = await Graph.DeployAsync(one, StackFiles.Settings("globex-health"));
                    var second = await Graph.DeployAsync(other, StackFiles.Settings("globex-health"));

                    foreach (var (type, property, _, _, _) in Rules.Where(rule => rule.Type != "gcp:sql/user:User"))
                        Assert.Empty(Names(first, type, property).Intersect(Names(second, type, property)));
                },
                iter: 40,
                threads: 1
            );

    [Fact]
    public void Slugs_that_are_alike_up_to_their_end_keep_their_names_apart_when_these_are_shortened()
    {
        // Nine letters apart only behind the cut of the tightest name; and one that imitates a shortened name.
        var slugs = Enumerable
            .Range(0, 2000)
            .Select(number => $"{new string('a', 48)}{number:x8}")
            .Append("aaaaaa-0123456789")
            .ToList();

        Assert.All(slugs, slug => Assert.True(Slug.TryParse(slug, out _)));
        Assert.Equal(slugs.Count, slugs.Select(slug => Of(slug).IdentityTenant).Distinct().Count());
        Assert.Equal(slugs.Count, slugs.Select(slug => Of(slug).Account("migrator")).Distinct().Count());

        static Names Of(string slug) =>
            Slug.TryParse(slug, out var parsed) ? new Names(parsed) : throw new ArgumentException(slug);
    }

    [Fact]
    public void A_shortened_name_is_the_same_on_every_machine_and_in_every_year()
    {
        Assert.True(Slug.TryParse("a-company-with-a-name-that-is-longer-than-most", out var slug));

        Assert.Equal("migrator-a-compa--670e6a54bb", new Names(slug).Account("migrator"));
    }

    [Theory, Stacks]
    public async Task Everything_that_can_carry_labels_carries_the_tenants(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        string[] paths = ["labels", "userLabels", "settings.userLabels", "template.labels"];

        // What can be labelled is told by the SDK's own types, not by what the program happens to set.
        var labelable = graph
            .Nodes.Where(node =>
                node.Args.GetType().GetProperties().Any(property => property.Name is "Labels" or "UserLabels")
                || node.Type.EndsWith(":DatabaseInstance", StringComparison.Ordinal)
            )
            .ToList();
        Assert.True(labelable.Count > 20);
        Assert.All(labelable, node => Assert.Contains(paths, path => Equals(node[$"{path}.tenant"], stack)));
        Assert.All(
            graph.All("Service").Append(graph.One("Job")),
            node => Assert.Equal(stack, node["template.labels.tenant"])
        );
    }

    [Theory, Stacks]
    public async Task Everything_belongs_to_a_part_and_goes_to_the_stacks_own_project(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.All(
            graph.Nodes,
            node =>
                Assert.Equal(
                    node.Type.StartsWith("tenant:", StringComparison.Ordinal) || node.Type == "pulumi:providers:gcp",
                    node.Parent == "stack"
                )
        );
        Assert.All(
            graph.Nodes.Where(node => node.Type.StartsWith("gcp:", StringComparison.Ordinal)),
            node => Assert.Equal("gcp", node.Provider)
        );
        Assert.Equal(stack == "dev" ? "factory-dev" : "factory-prod", graph.One("gcp").Text("project"));
        // Budgets, API keys and Identity Platform refuse a person's own credentials that name no project to count the
        // calls on.
        Assert.Equal(
            ("true", graph.One("gcp").Text("project")),
            (graph.One("gcp").Text("userProjectOverride"), graph.One("gcp").Text("billingProject"))
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("-acme")]
    [InlineData("acme-")]
    [InlineData("acme--corp")]
    [InlineData("Acme")]
    [InlineData("acme_corp")]
    [InlineData("acme.corp")]
    [InlineData("acme corp")]
    [InlineData("acme\n")]
    [InlineData("ácme")]
    [InlineData("acme'; DROP DATABASE factorydb; --")]
    [InlineData("$(id)")]
    [InlineData("../dev")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task A_hostile_slug_is_refused_before_anything_is_read_or_registered(string slug)
    {
        var (message, registered) = await Graph.FaultAsync(slug, "acme-corp");

        Assert.Contains($"the stack's name is the tenant's slug: {Slug.Rule}", message);
        Assert.Empty(registered);
    }

    [Fact]
    public void No_text_but_a_slug_parses_as_one() =>
        Gen.String[0, 80]
            .Sample(text =>
            {
                var legal =
                    text.Length is > 0 and <= 56
                    && text.All(c => c is '-' or (>= 'a' and <= 'z') or (>= '0' and <= '9'))
                    && !text.StartsWith('-')
                    && !text.EndsWith('-')
                    && !text.Contains("--", StringComparison.Ordinal);
                Assert.Equal(legal, Slug.TryParse(text, out _));
            });

    static List<string> Names(Graph graph, string type, string property) =>
        [
            .. graph
                .Nodes.Where(node => node.Type == type)
                .Select(node => property == "" ? $"{node.Name}{Cloud.NameSuffix}" : node.Text(property)!),
        ];
}
