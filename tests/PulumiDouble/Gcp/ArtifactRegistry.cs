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

public class RepositoryIamMember(string name, RepositoryIamMemberArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", name, args, options);

public sealed class RepositoryIamMemberArgs : ResourceArgs
{
    [Input("location")]
    public Input<string>? Location { get; set; }

    [Input("member", required: true)]
    public Input<string> Member { get; set; } = null!;

    [Input("repository", required: true)]
    public Input<string> Repository { get; set; } = null!;

    [Input("role", required: true)]
    public Input<string> Role { get; set; } = null!;
}
