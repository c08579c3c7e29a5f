namespace Pulumi.Gcp.CloudRunV2.Inputs;

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

public sealed class ServiceTemplateContainerVolumeMountArgs : ResourceArgs
{
    [Input("mountPath", required: true)]
    public Input<string> MountPath { get; set; } = null!;

    [Input("name", required: true)]
    public Input<string> Name { get; set; } = null!;
}
