namespace Pulumi.Gcp;

public class Provider(string name, ProviderArgs? args = null, CustomResourceOptions? options = null)
    : ProviderResource("gcp", name, args, options);

public sealed class ProviderArgs : ResourceArgs
{
    [Input("billingProject")]
    public Input<string>? BillingProject { get; set; }

    [Input("project")]
    public Input<string>? Project { get; set; }

    [Input("region")]
    public Input<string>? Region { get; set; }

    [Input("userProjectOverride", json: true)]
    public Input<bool>? UserProjectOverride { get; set; }
}
