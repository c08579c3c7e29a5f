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

    public class Service(string name, ServiceArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:cloudrunv2/service:Service", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class ServiceArgs : ResourceArgs
    {
        [Input("defaultUriDisabled")]
        public Input<bool>? DefaultUriDisabled { get; set; }

        [Input("deletionProtection")]
        public Input<bool>? DeletionProtection { get; set; }

        [Input("ingress")]
        public Input<string>? Ingress { get; set; }

        [Input("invokerIamDisabled")]
        public Input<bool>? InvokerIamDisabled { get; set; }

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
        public Input<Inputs.ServiceTemplateArgs> Template { get; set; } = null!;

        [field: Input("traffics")]
        public InputList<Inputs.ServiceTrafficArgs> Traffics
        {
            get => field ??= new();
            set;
        }
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

    public sealed class JobTemplateTemplateContainerArgs : ResourceArgs
    {
        [field: Input("commands")]
        public InputList<string> Commands
        {
            get => field ??= new();
            set;
        }

        [field: Input("volumeMounts")]
        public InputList<JobTemplateTemplateContainerVolumeMountArgs> VolumeMounts
        {
            get => field ??= new();
            set;
        }

        [field: Input("args")]
        public InputList<string> Args
        {
            get => field ??= new();
            set;
        }

        [field: Input("envs")]
        public InputList<JobTemplateTemplateContainerEnvArgs> Envs
        {
            get => field ??= new();
            set;
        }

        [Input("image", required: true)]
        public Input<string> Image { get; set; } = null!;

        [Input("resources")]
        public Input<JobTemplateTemplateContainerResourcesArgs>? Resources { get; set; }
    }

    public sealed class JobTemplateTemplateContainerEnvArgs : ResourceArgs
    {
        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;

        [Input("value")]
        public Input<string>? Value { get; set; }

        [Input("valueSource")]
        public Input<JobTemplateTemplateContainerEnvValueSourceArgs>? ValueSource { get; set; }
    }

    public sealed class JobTemplateTemplateContainerEnvValueSourceArgs : ResourceArgs
    {
        [Input("secretKeyRef")]
        public Input<JobTemplateTemplateContainerEnvValueSourceSecretKeyRefArgs>? SecretKeyRef { get; set; }
    }

    public sealed class JobTemplateTemplateContainerEnvValueSourceSecretKeyRefArgs : ResourceArgs
    {
        [Input("secret", required: true)]
        public Input<string> Secret { get; set; } = null!;

        [Input("version", required: true)]
        public Input<string> Version { get; set; } = null!;
    }

    public sealed class JobTemplateTemplateContainerResourcesArgs : ResourceArgs
    {
        [field: Input("limits")]
        public InputMap<string> Limits
        {
            get => field ??= new();
            set;
        }
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

    public sealed class ServiceTemplateArgs : ResourceArgs
    {
        [field: Input("volumes")]
        public InputList<ServiceTemplateVolumeArgs> Volumes
        {
            get => field ??= new();
            set;
        }

        [field: Input("containers")]
        public InputList<ServiceTemplateContainerArgs> Containers
        {
            get => field ??= new();
            set;
        }

        [Input("executionEnvironment")]
        public Input<string>? ExecutionEnvironment { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("maxInstanceRequestConcurrency")]
        public Input<int>? MaxInstanceRequestConcurrency { get; set; }

        [Input("scaling")]
        public Input<ServiceTemplateScalingArgs>? Scaling { get; set; }

        [Input("serviceAccount")]
        public Input<string>? ServiceAccount { get; set; }

        [Input("timeout")]
        public Input<string>? Timeout { get; set; }

        [Input("vpcAccess")]
        public Input<ServiceTemplateVpcAccessArgs>? VpcAccess { get; set; }
    }

    public sealed class ServiceTemplateContainerArgs : ResourceArgs
    {
        [field: Input("volumeMounts")]
        public InputList<ServiceTemplateContainerVolumeMountArgs> VolumeMounts
        {
            get => field ??= new();
            set;
        }

        [field: Input("envs")]
        public InputList<ServiceTemplateContainerEnvArgs> Envs
        {
            get => field ??= new();
            set;
        }

        [Input("image", required: true)]
        public Input<string> Image { get; set; } = null!;

        [Input("livenessProbe")]
        public Input<ServiceTemplateContainerLivenessProbeArgs>? LivenessProbe { get; set; }

        [Input("ports")]
        public Input<ServiceTemplateContainerPortsArgs>? Ports { get; set; }

        [Input("resources")]
        public Input<ServiceTemplateContainerResourcesArgs>? Resources { get; set; }

        [Input("startupProbe")]
        public Input<ServiceTemplateContainerStartupProbeArgs>? StartupProbe { get; set; }
    }

    public sealed class ServiceTemplateContainerEnvArgs : ResourceArgs
    {
        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;

        [Input("value")]
        public Input<string>? Value { get; set; }

        [Input("valueSource")]
        public Input<ServiceTemplateContainerEnvValueSourceArgs>? ValueSource { get; set; }
    }

    public sealed class ServiceTemplateContainerEnvValueSourceArgs : ResourceArgs
    {
        [Input("secretKeyRef")]
        public Input<ServiceTemplateContainerEnvValueSourceSecretKeyRefArgs>? SecretKeyRef { get; set; }
    }

    public sealed class ServiceTemplateContainerEnvValueSourceSecretKeyRefArgs : ResourceArgs
    {
        [Input("secret", required: true)]
        public Input<string> Secret { get; set; } = null!;

        [Input("version")]
        public Input<string>? Version { get; set; }
    }

    public sealed class ServiceTemplateContainerLivenessProbeArgs : ResourceArgs
    {
        [Input("failureThreshold")]
        public Input<int>? FailureThreshold { get; set; }

        [Input("httpGet")]
        public Input<ServiceTemplateContainerLivenessProbeHttpGetArgs>? HttpGet { get; set; }

        [Input("periodSeconds")]
        public Input<int>? PeriodSeconds { get; set; }

        [Input("timeoutSeconds")]
        public Input<int>? TimeoutSeconds { get; set; }
    }

    public sealed class ServiceTemplateContainerLivenessProbeHttpGetArgs : ResourceArgs
    {
        [Input("path")]
        public Input<string>? Path { get; set; }

        [Input("port")]
        public Input<int>? Port { get; set; }
    }

    public sealed class ServiceTemplateContainerPortsArgs : ResourceArgs
    {
        [Input("containerPort")]
        public Input<int>? ContainerPort { get; set; }
    }

    public sealed class ServiceTemplateContainerResourcesArgs : ResourceArgs
    {
        [Input("cpuIdle")]
        public Input<bool>? CpuIdle { get; set; }

        [field: Input("limits")]
        public InputMap<string> Limits
        {
            get => field ??= new();
            set;
        }

        [Input("startupCpuBoost")]
        public Input<bool>? StartupCpuBoost { get; set; }
    }

    public sealed class ServiceTemplateContainerStartupProbeArgs : ResourceArgs
    {
        [Input("failureThreshold")]
        public Input<int>? FailureThreshold { get; set; }

        [Input("httpGet")]
        public Input<ServiceTemplateContainerStartupProbeHttpGetArgs>? HttpGet { get; set; }

        [Input("periodSeconds")]
        public Input<int>? PeriodSeconds { get; set; }

        [Input("timeoutSeconds")]
        public Input<int>? TimeoutSeconds { get; set; }
    }

    public sealed class ServiceTemplateContainerStartupProbeHttpGetArgs : ResourceArgs
    {
        [Input("path")]
        public Input<string>? Path { get; set; }

        [Input("port")]
        public Input<int>? Port { get; set; }
    }

    public sealed class ServiceTemplateScalingArgs : ResourceArgs
    {
        [Input("maxInstanceCount")]
        public Input<int>? MaxInstanceCount { get; set; }

        [Input("minInstanceCount")]
        public Input<int>? MinInstanceCount { get; set; }
    }

    public sealed class ServiceTemplateVpcAccessArgs : ResourceArgs
    {
        [Input("egress")]
        public Input<string>? Egress { get; set; }

        [field: Input("networkInterfaces")]
        public InputList<ServiceTemplateVpcAccessNetworkInterfaceArgs> NetworkInterfaces
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class ServiceTemplateVpcAccessNetworkInterfaceArgs : ResourceArgs
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

    public sealed class ServiceTrafficArgs : ResourceArgs
    {
        [Input("percent")]
        public Input<int>? Percent { get; set; }

        [Input("type")]
        public Input<string>? Type { get; set; }
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

    public sealed class JobTemplateTemplateContainerVolumeMountArgs : ResourceArgs
    {
        [Input("mountPath", required: true)]
        public Input<string> MountPath { get; set; } = null!;

        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;
    }

    public sealed class ServiceTemplateVolumeArgs : ResourceArgs
    {
        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;

        [Input("secret")]
        public Input<ServiceTemplateVolumeSecretArgs>? Secret { get; set; }
    }

    public sealed class ServiceTemplateVolumeSecretArgs : ResourceArgs
    {
        [field: Input("items")]
        public InputList<ServiceTemplateVolumeSecretItemArgs> Items
        {
            get => field ??= new();
            set;
        }

        [Input("secret", required: true)]
        public Input<string> Secret { get; set; } = null!;
    }

    public sealed class ServiceTemplateVolumeSecretItemArgs : ResourceArgs
    {
        [Input("path", required: true)]
        public Input<string> Path { get; set; } = null!;

        [Input("version")]
        public Input<string>? Version { get; set; }
    }

    public sealed class ServiceTemplateContainerVolumeMountArgs : ResourceArgs
    {
        [Input("mountPath", required: true)]
        public Input<string> MountPath { get; set; } = null!;

        [Input("name", required: true)]
        public Input<string> Name { get; set; } = null!;
    }
}
