namespace Pulumi.Gcp.ServiceNetworking;

public class Connection(string name, ConnectionArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:servicenetworking/connection:Connection", name, args, options);

public sealed class ConnectionArgs : ResourceArgs
{
    [Input("network", required: true)]
    public Input<string> Network { get; set; } = null!;

    [field: Input("reservedPeeringRanges", required: true)]
    public InputList<string> ReservedPeeringRanges
    {
        get => field ??= new();
        set;
    }

    [Input("service", required: true)]
    public Input<string> Service { get; set; } = null!;
}
