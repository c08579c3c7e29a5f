namespace Pulumi.Gcp;

public class Provider(string name, ProviderArgs? args = null, CustomResourceOptions? options = null)
    : ProviderResource("gcp", name, args, options);

public sealed class ProviderArgs : ResourceArgs
{
    [Input("project")]
    public Input<string>? Project { get; set; }

    [Input("region")]
    public Input<string>? Region { get; set; }
}
