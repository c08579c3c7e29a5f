using Pulumi;
using Pulumi.Gcp.Compute;
using Pulumi.Gcp.Compute.Inputs;
using SecurityPolicyRuleArgs = Pulumi.Gcp.Compute.Inputs.SecurityPolicyRuleArgs;

namespace Infra;

/// <summary>
/// Rules are tried from the lowest priority upwards and the first that matches decides. Throttling ends with
/// "allow" below its limit, so it comes after the rules that refuse attacks.
/// See <see href="https://cloud.google.com/armor/docs/security-policy-overview#eval-order">evaluation order</see>.
/// </summary>
static class Armor
{
    // OWASP core rule set 3.3, without method enforcement: it knows GET and POST, and an API also puts, patches and
    // deletes.
    // https://cloud.google.com/armor/docs/waf-rules
    static readonly string[] WafRules =
    [
        "sqli-v33-stable",
        "xss-v33-stable",
        "lfi-v33-stable",
        "rfi-v33-stable",
        "rce-v33-stable",
        "scannerdetection-v33-stable",
        "protocolattack-v33-stable",
        "sessionfixation-v33-stable",
        // Log4Shell and its kind: https://cloud.google.com/armor/docs/waf-rules#cves_and_other_vulnerabilities
        "cve-canary",
    ];

    internal static SecurityPolicy Declare(EdgeArgs args, CustomResourceOptions options)
    {
        SecurityPolicyRuleArgs[] rules =
        [
            .. WafRules.Select((rule, index) => Refused(args, rule, 1000 + (index * 10))),
            Throttled(args),
            Allowed(),
        ];
        return new SecurityPolicy(
            "armor",
            new SecurityPolicyArgs
            {
                Name = args.Tenant.Names.Label("armor"),
                Type = "CLOUD_ARMOR",
                Labels = args.Tenant.Labels,
                AdvancedOptionsConfig = new SecurityPolicyAdvancedOptionsConfigArgs
                {
                    JsonParsing = "STANDARD",
                    LogLevel = "NORMAL",
                },
                Rules = rules.Select(rule => (Input<SecurityPolicyRuleArgs>)rule).ToArray(),
            },
            options
        );
    }

    static SecurityPolicyRuleArgs Refused(EdgeArgs args, string rule, int priority) =>
        new()
        {
            Priority = priority,
            Action = "deny(403)",
            // Until it is enforced a rule says in the log what it would have refused.
            Preview = !args.WafEnforced,
            Description = rule,
            Match = new SecurityPolicyRuleMatchArgs
            {
                Expr = new SecurityPolicyRuleMatchExprArgs
                {
                    Expression = $"evaluatePreconfiguredWaf('{rule}', {{{Options(args, rule)}}})",
                },
            },
        };

    static SecurityPolicyRuleArgs Throttled(EdgeArgs args) =>
        new()
        {
            Priority = 9000,
            Action = "throttle",
            Description = "requests a minute of one address",
            Match = Everybody(),
            RateLimitOptions = new SecurityPolicyRuleRateLimitOptionsArgs
            {
                ConformAction = "allow",
                ExceedAction = "deny(429)",
                EnforceOnKey = "IP",
                RateLimitThreshold = new SecurityPolicyRuleRateLimitOptionsRateLimitThresholdArgs
                {
                    Count = args.RequestsPerMinute,
                    IntervalSec = 60,
                },
            },
        };

    static SecurityPolicyRuleArgs Allowed() =>
        new()
        {
            Priority = int.MaxValue,
            Action = "allow",
            Description = "default",
            Match = Everybody(),
        };

    static string Options(EdgeArgs args, string rule)
    {
        // A signature is named after its rule set: owasp-crs-v030301-id942110-sqli.
        var excluded = args
            .WafExclusions.Where(id => id.EndsWith($"-{rule.Split('-')[0]}", StringComparison.Ordinal))
            .Select(id => $"'{id}'")
            .ToList();
        var sensitivity = $"'sensitivity': {args.WafSensitivity}";
        return excluded.Count == 0
            ? sensitivity
            : $"{sensitivity}, 'opt_out_rule_ids': [{string.Join(", ", excluded)}]";
    }

    static SecurityPolicyRuleMatchArgs Everybody() =>
        new()
        {
            VersionedExpr = "SRC_IPS_V1",
            Config = new SecurityPolicyRuleMatchConfigArgs { SrcIpRanges = { "*" } },
        };
}
