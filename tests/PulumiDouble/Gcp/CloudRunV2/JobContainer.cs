namespace Pulumi.Gcp.CloudRunV2.Inputs;

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

public sealed class JobTemplateTemplateContainerVolumeMountArgs : ResourceArgs
{
    [Input("mountPath", required: true)]
    public Input<string> MountPath { get; set; } = null!;

    [Input("name", required: true)]
    public Input<string> Name { get; set; } = null!;
}
