namespace Pulumi.Gcp.Compute
{
    public class SecurityPolicy(string name, SecurityPolicyArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:compute/securityPolicy:SecurityPolicy", name, args, options);

    public sealed class SecurityPolicyArgs : ResourceArgs
    {
        [Input("advancedOptionsConfig")]
        public Input<Inputs.SecurityPolicyAdvancedOptionsConfigArgs>? AdvancedOptionsConfig { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [field: Input("rules")]
        public InputList<Inputs.SecurityPolicyRuleArgs> Rules
        {
            get => field ??= new();
            set;
        }

        [Input("type")]
        public Input<string>? Type { get; set; }
    }
}

namespace Pulumi.Gcp.Compute.Inputs
{
    public sealed class SecurityPolicyAdvancedOptionsConfigArgs : ResourceArgs
    {
        [Input("jsonParsing")]
        public Input<string>? JsonParsing { get; set; }

        [Input("logLevel")]
        public Input<string>? LogLevel { get; set; }
    }

    public sealed class SecurityPolicyRuleArgs : ResourceArgs
    {
        [Input("preview")]
        public Input<bool>? Preview { get; set; }

        [Input("action", required: true)]
        public Input<string> Action { get; set; } = null!;

        [Input("description")]
        public Input<string>? Description { get; set; }

        [Input("match", required: true)]
        public Input<SecurityPolicyRuleMatchArgs> Match { get; set; } = null!;

        [Input("priority", required: true)]
        public Input<int> Priority { get; set; } = null!;

        [Input("rateLimitOptions")]
        public Input<SecurityPolicyRuleRateLimitOptionsArgs>? RateLimitOptions { get; set; }
    }

    public sealed class SecurityPolicyRuleMatchArgs : ResourceArgs
    {
        [Input("config")]
        public Input<SecurityPolicyRuleMatchConfigArgs>? Config { get; set; }

        [Input("expr")]
        public Input<SecurityPolicyRuleMatchExprArgs>? Expr { get; set; }

        [Input("versionedExpr")]
        public Input<string>? VersionedExpr { get; set; }
    }

    public sealed class SecurityPolicyRuleMatchConfigArgs : ResourceArgs
    {
        [field: Input("srcIpRanges")]
        public InputList<string> SrcIpRanges
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class SecurityPolicyRuleMatchExprArgs : ResourceArgs
    {
        [Input("expression", required: true)]
        public Input<string> Expression { get; set; } = null!;
    }

    public sealed class SecurityPolicyRuleRateLimitOptionsArgs : ResourceArgs
    {
        [Input("conformAction")]
        public Input<string>? ConformAction { get; set; }

        [Input("enforceOnKey")]
        public Input<string>? EnforceOnKey { get; set; }

        [Input("exceedAction")]
        public Input<string>? ExceedAction { get; set; }

        [Input("rateLimitThreshold")]
        public Input<SecurityPolicyRuleRateLimitOptionsRateLimitThresholdArgs>? RateLimitThreshold { get; set; }
    }

    public sealed class SecurityPolicyRuleRateLimitOptionsRateLimitThresholdArgs : ResourceArgs
    {
        [Input("count")]
        public Input<int>? Count { get; set; }

        [Input("intervalSec")]
        public Input<int>? IntervalSec { get; set; }
    }
}
