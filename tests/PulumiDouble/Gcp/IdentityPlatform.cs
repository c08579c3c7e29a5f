namespace Pulumi.Gcp.IdentityPlatform
{
    public class Tenant(string name, TenantArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:identityplatform/tenant:Tenant", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class TenantArgs : ResourceArgs
    {
        [Input("allowPasswordSignup")]
        public Input<bool>? AllowPasswordSignup { get; set; }

        [Input("client")]
        public Input<Inputs.TenantClientArgs>? Client { get; set; }

        [Input("displayName", required: true)]
        public Input<string> DisplayName { get; set; } = null!;

        [Input("enableEmailLinkSignin")]
        public Input<bool>? EnableEmailLinkSignin { get; set; }
    }

    public class Config(string name, ConfigArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:identityplatform/config:Config", name, args, options);

    public sealed class ConfigArgs : ResourceArgs
    {
        [Input("multiTenant")]
        public Input<Inputs.ConfigMultiTenantArgs>? MultiTenant { get; set; }
    }
}

namespace Pulumi.Gcp.IdentityPlatform.Inputs
{
    public sealed class TenantClientArgs : ResourceArgs
    {
        [Input("permissions")]
        public Input<TenantClientPermissionsArgs>? Permissions { get; set; }
    }

    public sealed class TenantClientPermissionsArgs : ResourceArgs
    {
        [Input("disabledUserDeletion")]
        public Input<bool>? DisabledUserDeletion { get; set; }

        [Input("disabledUserSignup")]
        public Input<bool>? DisabledUserSignup { get; set; }
    }

    public sealed class ConfigMultiTenantArgs : ResourceArgs
    {
        [Input("allowTenants")]
        public Input<bool>? AllowTenants { get; set; }
    }
}
