namespace Pulumi.PostgreSql;

public class DefaultPrivileges(string name, DefaultPrivilegesArgs args, CustomResourceOptions? options = null)
    : CustomResource("postgresql:index/defaultPrivileges:DefaultPrivileges", name, args, options);

public sealed class DefaultPrivilegesArgs : ResourceArgs
{
    [Input("database", required: true)]
    public Input<string> Database { get; set; } = null!;

    [Input("objectType", required: true)]
    public Input<string> ObjectType { get; set; } = null!;

    [Input("owner", required: true)]
    public Input<string> Owner { get; set; } = null!;

    [field: Input("privileges", required: true)]
    public InputList<string> Privileges
    {
        get => field ??= new();
        set;
    }

    [Input("role", required: true)]
    public Input<string> Role { get; set; } = null!;

    [Input("schema")]
    public Input<string>? Schema { get; set; }
}

public class Grant(string name, GrantArgs args, CustomResourceOptions? options = null)
    : CustomResource("postgresql:index/grant:Grant", name, args, options);

public sealed class GrantArgs : ResourceArgs
{
    [Input("database", required: true)]
    public Input<string> Database { get; set; } = null!;

    [Input("objectType", required: true)]
    public Input<string> ObjectType { get; set; } = null!;

    [field: Input("privileges", required: true)]
    public InputList<string> Privileges
    {
        get => field ??= new();
        set;
    }

    [Input("role", required: true)]
    public Input<string> Role { get; set; } = null!;

    [Input("schema")]
    public Input<string>? Schema { get; set; }
}

public class GrantRole(string name, GrantRoleArgs args, CustomResourceOptions? options = null)
    : CustomResource("postgresql:index/grantRole:GrantRole", name, args, options);

public sealed class GrantRoleArgs : ResourceArgs
{
    [Input("grantRole", required: true)]
    public Input<string> GrantRoleName { get; set; } = null!;

    [Input("role", required: true)]
    public Input<string> Role { get; set; } = null!;
}

public class Provider(string name, ProviderArgs? args = null, CustomResourceOptions? options = null)
    : ProviderResource("postgresql", name, args, options);

public sealed class ProviderArgs : ResourceArgs
{
    [Input("connectTimeout", json: true)]
    public Input<int>? ConnectTimeout { get; set; }

    [Input("database")]
    public Input<string>? Database { get; set; }

    [Input("host")]
    public Input<string>? Host { get; set; }

    [Input("password")]
    public Input<string>? Password { get; set; }

    [Input("port", json: true)]
    public Input<int>? Port { get; set; }

    [Input("sslmode")]
    public Input<string>? Sslmode { get; set; }

    [Input("superuser", json: true)]
    public Input<bool>? Superuser { get; set; }

    [Input("username")]
    public Input<string>? Username { get; set; }
}

public class Role(string name, RoleArgs? args = null, CustomResourceOptions? options = null)
    : CustomResource("postgresql:index/role:Role", name, args, options)
{
    [Output("name")]
    public Output<string> Name { get; private set; } = null!;
}

public sealed class RoleArgs : ResourceArgs
{
    [Input("login")]
    public Input<bool>? Login { get; set; }

    [Input("name")]
    public Input<string>? Name { get; set; }
}
