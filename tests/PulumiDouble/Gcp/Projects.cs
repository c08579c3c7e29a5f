namespace Pulumi.Gcp.Projects
{
    public class ApiKey(string name, ApiKeyArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:projects/apiKey:ApiKey", name, args, options)
    {
        [Output("uid")]
        public Output<string> Uid { get; private set; } = null!;

        [Output("keyString")]
        public Output<string> KeyString { get; private set; } = null!;
    }

    public sealed class ApiKeyArgs : ResourceArgs
    {
        [Input("displayName")]
        public Input<string>? DisplayName { get; set; }

        [Input("restrictions")]
        public Input<Inputs.ApiKeyRestrictionsArgs>? Restrictions { get; set; }
    }

    public class IAMMember(string name, IAMMemberArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:projects/iAMMember:IAMMember", name, args, options);

    public sealed class IAMMemberArgs : ResourceArgs
    {
        [Input("condition")]
        public Input<Inputs.IAMMemberConditionArgs>? Condition { get; set; }

        [Input("member", required: true)]
        public Input<string> Member { get; set; } = null!;

        [Input("project", required: true)]
        public Input<string> Project { get; set; } = null!;

        [Input("role", required: true)]
        public Input<string> Role { get; set; } = null!;
    }

    public class Service(string name, ServiceArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:projects/service:Service", name, args, options);

    public sealed class ServiceArgs : ResourceArgs
    {
        [Input("disableOnDestroy")]
        public Input<bool>? DisableOnDestroy { get; set; }

        [Input("service", required: true)]
        public Input<string> ServiceName { get; set; } = null!;
    }
}

namespace Pulumi.Gcp.Projects.Inputs
{
    public sealed class ApiKeyRestrictionsApiTargetArgs : ResourceArgs
    {
        [Input("service", required: true)]
        public Input<string> Service { get; set; } = null!;
    }

    public sealed class ApiKeyRestrictionsArgs : ResourceArgs
    {
        [field: Input("apiTargets")]
        public InputList<ApiKeyRestrictionsApiTargetArgs> ApiTargets
        {
            get => field ??= new();
            set;
        }

        [Input("browserKeyRestrictions")]
        public Input<ApiKeyRestrictionsBrowserKeyRestrictionsArgs>? BrowserKeyRestrictions { get; set; }
    }

    public sealed class ApiKeyRestrictionsBrowserKeyRestrictionsArgs : ResourceArgs
    {
        [field: Input("allowedReferrers", required: true)]
        public InputList<string> AllowedReferrers
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class IAMMemberConditionArgs : ResourceArgs
    {
        [Input("expression", required: true)]
        public Input<string> Expression { get; set; } = null!;

        [Input("title", required: true)]
        public Input<string> Title { get; set; } = null!;
    }
}
