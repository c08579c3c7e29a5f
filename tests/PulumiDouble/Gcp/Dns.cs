namespace Pulumi.Gcp.Dns;

public class RecordSet(string name, RecordSetArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:dns/recordSet:RecordSet", name, args, options);

public sealed class RecordSetArgs : ResourceArgs
{
    [Input("managedZone", required: true)]
    public Input<string> ManagedZone { get; set; } = null!;

    [Input("name", required: true)]
    public Input<string> Name { get; set; } = null!;

    [field: Input("rrdatas")]
    public InputList<string> Rrdatas
    {
        get => field ??= new();
        set;
    }

    [Input("ttl")]
    public Input<int>? Ttl { get; set; }

    [Input("type", required: true)]
    public Input<string> Type { get; set; } = null!;
}
