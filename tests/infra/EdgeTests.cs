using System.Text.RegularExpressions;
using Infra.Tests.Support;

namespace Infra.Tests;

public class EdgeTests
{
    static string Domain(string stack) => stack == "dev" ? "dev.factory.example.com" : "factory.example.com";

    [Theory, Stacks]
    public async Task Two_endpoint_groups_stand_behind_two_backends_with_Armor_and_logs(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.Equal(["api", "ui"], graph.All("BackendService").Select(node => node.Name));
        Assert.All(
            graph.All("BackendService"),
            backend =>
            {
                var group = graph.One("RegionNetworkEndpointGroup", backend.Name);
                Assert.Equal("SERVERLESS", group.Text("networkEndpointType"));
                Assert.Equal(graph.One("Service", backend.Name).Text("name"), group.Text("cloudRun.service"));
                Assert.Equal(
                    [$"RegionNetworkEndpointGroup/{group.Text("name")}"],
                    backend.List("backends").Select(item => item.Text("group"))
                );
                Assert.Equal("EXTERNAL_MANAGED", backend.Text("loadBalancingScheme"));
                Assert.Equal($"SecurityPolicy/armor-{stack}", backend.Text("securityPolicy"));
                Assert.Equal(true, backend["logConfig.enable"]);
                Assert.Equal(1.0, backend["logConfig.sampleRate"]);
                Assert.Null(backend["healthChecks"]);
            }
        );
        Assert.All(
            graph.All("GlobalForwardingRule"),
            rule => Assert.Equal("EXTERNAL_MANAGED", rule.Text("loadBalancingScheme"))
        );
    }

    [Theory]
    [InlineData("dev", 1, 600)]
    [InlineData("acme-corp", 1, 1200)]
    [InlineData("globex-health", 2, 1200)]
    public async Task Armor_refuses_attacks_first_then_throttles_then_allows(string stack, int sensitivity, int limit)
    {
        var rules = (await Graph.OfAsync(stack))
            .One("SecurityPolicy")
            .List("rules")
            .OrderBy(rule => (double)rule["priority"]!)
            .ToList();

        Assert.All(
            rules.SkipLast(2),
            rule =>
            {
                Assert.Equal("deny(403)", rule.Text("action"));
                Assert.Matches(
                    $@"^evaluatePreconfiguredWaf\('([a-z]+-v33-stable|cve-canary)', \{{'sensitivity': {sensitivity}\}}\)$",
                    rule.Text("match.expr.expression")
                );
                // A tenant that worked yesterday is not refused tomorrow: what would be refused is read in the log first.
                Assert.Equal(true, rule["preview"]);
            }
        );
        Assert.Subset(
            rules.Select(rule => rule.Text("description")!).ToHashSet(),
            (HashSet<string>)["sqli-v33-stable", "xss-v33-stable", "lfi-v33-stable", "rce-v33-stable"]
        );
        Assert.Equal("throttle", rules[^2].Text("action"));
        Assert.Equal((double)limit, rules[^2]["rateLimitOptions.rateLimitThreshold.count"]);
        Assert.Equal("deny(429)", rules[^2].Text("rateLimitOptions.exceedAction"));
        Assert.Equal(("allow", 2147483647.0), (rules[^1].Text("action"), rules[^1]["priority"]));
    }

    [Fact]
    public async Task A_WAF_that_is_enforced_refuses_all_but_the_signatures_that_are_left_out()
    {
        var rules = (
            await Graph.OfAsync(
                "acme-corp",
                ("wafMode", "enforce"),
                ("wafExclusions", """["owasp-crs-v030301-id942110-sqli","owasp-crs-v030301-id942120-sqli"]""")
            )
        )
            .One("SecurityPolicy")
            .List("rules");

        Assert.All(rules.Where(rule => rule["match.expr"] is not null), rule => Assert.Equal(false, rule["preview"]));
        Assert.Equal(
            "evaluatePreconfiguredWaf('sqli-v33-stable', {'sensitivity': 1, 'opt_out_rule_ids': "
                + "['owasp-crs-v030301-id942110-sqli', 'owasp-crs-v030301-id942120-sqli']})",
            rules.Single(rule => rule.Text("description") == "sqli-v33-stable").Text("match.expr.expression")
        );
        Assert.DoesNotContain(
            "opt_out",
            rules.Single(rule => rule.Text("description") == "xss-v33-stable").Text("match.expr.expression")
        );
    }

    [Theory, Stacks]
    public async Task Browsers_are_told_to_come_back_encrypted(string stack) =>
        Assert.All(
            (await Graph.OfAsync(stack)).All("BackendService"),
            backend =>
                Assert.Equal(["Strict-Transport-Security: max-age=31536000"], backend.Texts("customResponseHeaders"))
        );

    [Theory, Stacks]
    public async Task The_map_knows_exactly_the_tenants_two_hosts_sends_each_to_its_backend_and_tests_it(string stack)
    {
        var graph = await Graph.OfAsync(stack);
        var map = graph.One("URLMap", "hosts");
        (string Host, string Backend)[] expected =
        [
            ($"api-{stack}.{Domain(stack)}", $"BackendService/api-{stack}"),
            ($"app-{stack}.{Domain(stack)}", $"BackendService/ui-{stack}"),
        ];

        var matchers = map.List("pathMatchers")
            .ToDictionary(matcher => matcher.Text("name")!, matcher => matcher.Text("defaultService")!);
        Assert.Equal(
            expected,
            map.List("hostRules")
                .SelectMany(rule => rule.Texts("hosts").Select(host => (host, matchers[rule.Text("pathMatcher")!])))
        );
        Assert.Equal(expected, map.List("tests").Select(test => (test.Text("host")!, test.Text("service")!)));
        Assert.Null(map["defaultService"]);
        Assert.Equal(map.Text("name"), graph.One("TargetHttpsProxy").Text("urlMap")!.Split('/')[1]);
    }

    [Theory, Stacks]
    public async Task Port_80_does_nothing_but_redirect_to_HTTPS(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        var redirect = graph.One("URLMap", "redirect");
        Assert.Equal(true, redirect["defaultUrlRedirect.httpsRedirect"]);
        Assert.Equal("MOVED_PERMANENTLY_DEFAULT", redirect.Text("defaultUrlRedirect.redirectResponseCode"));
        Assert.Null(redirect["defaultService"]);
        Assert.Equal($"URLMap/{redirect.Text("name")}", graph.One("TargetHttpProxy").Text("urlMap"));
        var rules = graph
            .All("GlobalForwardingRule")
            .ToDictionary(rule => rule.Text("portRange")!, rule => rule.Text("target"));
        Assert.Equal(
            new Dictionary<string, string?>
            {
                ["80"] = $"TargetHttpProxy/http-{stack}",
                ["443"] = $"TargetHttpsProxy/https-{stack}",
            },
            rules
        );
    }

    [Theory]
    [InlineData("dev", "MODERN")]
    [InlineData("acme-corp", "MODERN")]
    [InlineData("globex-health", "RESTRICTED")]
    public async Task Nothing_below_TLS_1_2_is_spoken(string stack, string profile)
    {
        var graph = await Graph.OfAsync(stack);

        var policy = graph.One("SSLPolicy");
        Assert.Equal("TLS_1_2", policy.Text("minTlsVersion"));
        Assert.Equal(profile, policy.Text("profile"));
        Assert.Equal($"SSLPolicy/{policy.Text("name")}", graph.One("TargetHttpsProxy").Text("sslPolicy"));
    }

    [Theory, Stacks]
    public async Task Each_host_has_an_entry_in_the_certificate_map_and_an_authorization_published_in_the_zone(
        string stack
    )
    {
        var graph = await Graph.OfAsync(stack);
        string[] hosts = [$"api-{stack}.{Domain(stack)}", $"app-{stack}.{Domain(stack)}"];

        Assert.Equal(hosts, graph.All("CertificateMapEntry").Select(entry => entry.Text("hostname")));
        Assert.Equal(hosts, graph.One("Certificate").Texts("managed.domains"));
        Assert.Equal(2, graph.One("Certificate").Texts("managed.dnsAuthorizations").Count);
        Assert.Equal(
            $"//certificatemanager.googleapis.com/CertificateMap/{graph.One("CertificateMap").Text("name")}",
            graph.One("TargetHttpsProxy").Text("certificateMap")
        );
        Assert.All(
            graph.All("DnsAuthorization"),
            authorization =>
            {
                var record = graph.One("RecordSet", $"{authorization.Name}-authorization");
                Assert.Equal(
                    ("CNAME", $"_acme-challenge.{authorization.Text("domain")}."),
                    (record.Text("type"), record.Text("name"))
                );
                Assert.Equal([$"{authorization.Name}.authorize.certificatemanager.goog."], record.Texts("rrdatas"));
            }
        );
        Assert.Empty(graph.All("ManagedSslCertificate"));
        Assert.Subset(
            graph.One("TargetHttpsProxy").DependsOn.ToHashSet(),
            graph.All("CertificateMapEntry").Select(entry => entry.Label).ToHashSet()
        );
    }

    [Theory, Stacks]
    public async Task Address_records_point_at_the_load_balancer_and_are_the_tenants_own_names(string stack)
    {
        var graph = await Graph.OfAsync(stack);

        Assert.All(
            graph.All("RecordSet"),
            record =>
                Assert.Matches(
                    $@"^(_acme-challenge\.)?(api|app)-{Regex.Escape($"{stack}.{Domain(stack)}")}\.$",
                    record.Text("name")
                )
        );
        var addresses = graph.All("RecordSet").Where(record => record.Text("type") == "A").ToList();
        Assert.Equal(
            [$"api-{stack}.{Domain(stack)}.", $"app-{stack}.{Domain(stack)}."],
            addresses.Select(record => record.Text("name"))
        );
        Assert.All(addresses, record => Assert.Equal(["203.0.113.10"], record.Texts("rrdatas")));
        Assert.All(graph.All("GlobalForwardingRule"), rule => Assert.Equal("203.0.113.10", rule.Text("ipAddress")));
    }
}
