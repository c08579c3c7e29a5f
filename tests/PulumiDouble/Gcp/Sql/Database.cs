namespace Pulumi.Gcp.Sql;

public class Database(string name, DatabaseArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:sql/database:Database", name, args, options)
{
    [Output("name")]
    public Output<string> Name { get; private set; } = null!;
}

public sealed class DatabaseArgs : ResourceArgs
{
    [Input("charset")]
    public Input<string>? Charset { get; set; }

    [Input("collation")]
    public Input<string>? Collation { get; set; }

    [Input("deletionPolicy")]
    public Input<string>? DeletionPolicy { get; set; }

    [Input("instance", required: true)]
    public Input<string> Instance { get; set; } = null!;

    [Input("name")]
    public Input<string>? Name { get; set; }
}

public class User(string name, UserArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:sql/user:User", name, args, options);

public sealed class UserArgs : ResourceArgs
{
    [Input("deletionPolicy")]
    public Input<string>? DeletionPolicy { get; set; }

    [Input("instance", required: true)]
    public Input<string> Instance { get; set; } = null!;

    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("password")]
    public Input<string>? Password { get; set; }

    [Input("type")]
    public Input<string>? Type { get; set; }
}
