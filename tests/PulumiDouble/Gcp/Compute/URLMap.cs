namespace Pulumi.Gcp.Compute
{
    public class URLMap(string name, URLMapArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:compute/uRLMap:URLMap", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class URLMapArgs : ResourceArgs
    {
        [Input("defaultUrlRedirect")]
        public Input<Inputs.URLMapDefaultUrlRedirectArgs>? DefaultUrlRedirect { get; set; }

        [field: Input("hostRules")]
        public InputList<Inputs.URLMapHostRuleArgs> HostRules
        {
            get => field ??= new();
            set;
        }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [field: Input("pathMatchers")]
        public InputList<Inputs.URLMapPathMatcherArgs> PathMatchers
        {
            get => field ??= new();
            set;
        }

        [field: Input("tests")]
        public InputList<Inputs.URLMapTestArgs> Tests
        {
            get => field ??= new();
            set;
        }
    }
}

namespace Pulumi.Gcp.Compute.Inputs
{
    public sealed class URLMapDefaultUrlRedirectArgs : ResourceArgs
    {
        [Input("hostRedirect")]
        public Input<string>? HostRedirect { get; set; }

        [Input("httpsRedirect")]
        public Input<bool>? HttpsRedirect { get; set; }

        [Input("pathRedirect")]
        public Input<string>? PathRedirect { get; set; }

        [Input("redirectResponseCode")]
        public Input<string>? RedirectResponseCode { get; set; }

        [Input("stripQuery", required: true)]
        public Input<bool> StripQuery { get; set; } = null!;
    }

    public sealed class URLMapHostRuleArgs : ResourceArgs
    {
        [field: Input("hosts", required: true)]
        public InputList<string> Hosts
        {
            get => field ??= new();
            set;
        }

        [Input("pathMatcher", required: true)]
        public Input<string> PathMatcher { get; set; } = null!;
    }

    public sealed class URLMapPathMatcherArgs : ResourceArgs
    {
        [Input("defaultService")]
        public Input<string>? DefaultService { get; set; }

        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;
    }

    public sealed class URLMapTestArgs : ResourceArgs
    {
        [Input("host", required: true)]
        public Input<string> Host { get; set; } = null!;

        [Input("path", required: true)]
        public Input<string> Path { get; set; } = null!;

        [Input("service")]
        public Input<string>? Service { get; set; }
    }
}
