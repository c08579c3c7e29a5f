namespace Pulumi.Gcp.CloudRunV2
{
    public class Job(string name, JobArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:cloudrunv2/job:Job", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class JobArgs : ResourceArgs
    {
        [Input("binaryAuthorization")]
        public Input<Inputs.JobBinaryAuthorizationArgs>? BinaryAuthorization { get; set; }

        [Input("deletionProtection")]
        public Input<bool>? DeletionProtection { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("location", required: true)]
        public Input<string> Location { get; set; } = null!;

        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("template", required: true)]
        public Input<Inputs.JobTemplateArgs> Template { get; set; } = null!;
    }

    public class JobIamMember(string name, JobIamMemberArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:cloudrunv2/jobIamMember:JobIamMember", name, args, options);

    public sealed class JobIamMemberArgs : ResourceArgs
    {
        [Input("location")]
        public Input<string>? Location { get; set; }

        [Input("member", required: true)]
        public Input<string> Member { get; set; } = null!;

        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("role", required: true)]
        public Input<string> Role { get; set; } = null!;
    }
}

namespace Pulumi.Gcp.CloudRunV2.Inputs
{
    public sealed class JobBinaryAuthorizationArgs : ResourceArgs
    {
        [Input("useDefault")]
        public Input<bool>? UseDefault { get; set; }
    }

    public sealed class JobTemplateArgs : ResourceArgs
    {
        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("parallelism")]
        public Input<int>? Parallelism { get; set; }

        [Input("taskCount")]
        public Input<int>? TaskCount { get; set; }

        [Input("template", required: true)]
        public Input<JobTemplateTemplateArgs> Template { get; set; } = null!;
    }

    public sealed class JobTemplateTemplateArgs : ResourceArgs
    {
        [field: Input("volumes")]
        public InputList<JobTemplateTemplateVolumeArgs> Volumes
        {
            get => field ??= new();
            set;
        }

        [field: Input("containers")]
        public InputList<JobTemplateTemplateContainerArgs> Containers
        {
            get => field ??= new();
            set;
        }

        [Input("executionEnvironment")]
        public Input<string>? ExecutionEnvironment { get; set; }

        [Input("maxRetries")]
        public Input<int>? MaxRetries { get; set; }

        [Input("serviceAccount")]
        public Input<string>? ServiceAccount { get; set; }

        [Input("timeout")]
        public Input<string>? Timeout { get; set; }

        [Input("vpcAccess")]
        public Input<JobTemplateTemplateVpcAccessArgs>? VpcAccess { get; set; }
    }

    public sealed class JobTemplateTemplateVpcAccessArgs : ResourceArgs
    {
        [Input("egress")]
        public Input<string>? Egress { get; set; }

        [field: Input("networkInterfaces")]
        public InputList<JobTemplateTemplateVpcAccessNetworkInterfaceArgs> NetworkInterfaces
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class JobTemplateTemplateVpcAccessNetworkInterfaceArgs : ResourceArgs
    {
        [field: Input("tags")]
        public InputList<string> Tags
        {
            get => field ??= new();
            set;
        }

        [Input("network")]
        public Input<string>? Network { get; set; }

        [Input("subnetwork")]
        public Input<string>? Subnetwork { get; set; }
    }

    public sealed class JobTemplateTemplateVolumeArgs : ResourceArgs
    {
        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;

        [Input("secret")]
        public Input<JobTemplateTemplateVolumeSecretArgs>? Secret { get; set; }
    }

    public sealed class JobTemplateTemplateVolumeSecretArgs : ResourceArgs
    {
        [field: Input("items")]
        public InputList<JobTemplateTemplateVolumeSecretItemArgs> Items
        {
            get => field ??= new();
            set;
        }

        [Input("secret", required: true)]
        public Input<string> Secret { get; set; } = null!;
    }

    public sealed class JobTemplateTemplateVolumeSecretItemArgs : ResourceArgs
    {
        [Input("path", required: true)]
        public Input<string> Path { get; set; } = null!;

        [Input("version", required: true)]
        public Input<string> Version { get; set; } = null!;
    }
}
