namespace Pulumi.Gcp.ArtifactRegistry;

public class Repository(string name, RepositoryArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:artifactregistry/repository:Repository", name, args, options)
{
    [Output("repositoryId")]
    public Output<string> RepositoryId { get; private set; } = null!;
}

public sealed class RepositoryArgs : ResourceArgs
{
    [Input("format", required: true)]
    public Input<string> Format { get; set; } = null!;

    [field: Input("labels")]
    public InputMap<string> Labels
    {
        get => field ??= new();
        set;
    }

    [Input("location")]
    public Input<string>? Location { get; set; }

    [Input("repositoryId", required: true)]
    public Input<string> RepositoryId { get; set; } = null!;
}
