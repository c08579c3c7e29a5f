namespace Pulumi.Gcp.ServiceAccount;

public class Account(string name, AccountArgs? args = null, CustomResourceOptions? options = null)
    : CustomResource("gcp:serviceaccount/account:Account", name, args, options)
{
    [Output("email")]
    public Output<string> Email { get; private set; } = null!;

    [Output("member")]
    public Output<string> Member { get; private set; } = null!;

    [Output("name")]
    public Output<string> Name { get; private set; } = null!;

    [Output("uniqueId")]
    public Output<string> UniqueId { get; private set; } = null!;
}

public sealed class AccountArgs : ResourceArgs
{
    [Input("accountId")]
    public Input<string>? AccountId { get; set; }

    [Input("displayName")]
    public Input<string>? DisplayName { get; set; }
}

public class IAMMember(string name, IAMMemberArgs args, CustomResourceOptions? options = null)
    : CustomResource("gcp:serviceaccount/iAMMember:IAMMember", name, args, options);

public sealed class IAMMemberArgs : ResourceArgs
{
    [Input("member", required: true)]
    public Input<string> Member { get; set; } = null!;

    [Input("role", required: true)]
    public Input<string> Role { get; set; } = null!;

    [Input("serviceAccountId", required: true)]
    public Input<string> ServiceAccountId { get; set; } = null!;
}
