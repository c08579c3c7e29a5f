namespace Pulumi.Gcp.Logging
{
    public class Metric(string name, MetricArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:logging/metric:Metric", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class MetricArgs : ResourceArgs
    {
        [Input("description")]
        public Input<string>? Description { get; set; }

        [Input("filter", required: true)]
        public Input<string> Filter { get; set; } = null!;

        [Input("metricDescriptor")]
        public Input<Inputs.MetricMetricDescriptorArgs>? MetricDescriptor { get; set; }

        [Input("name")]
        public Input<string>? Name { get; set; }
    }

    public class ProjectBucketConfig(string name, ProjectBucketConfigArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:logging/projectBucketConfig:ProjectBucketConfig", name, args, options);

    public sealed class ProjectBucketConfigArgs : ResourceArgs
    {
        [Input("cmekSettings")]
        public Input<Inputs.ProjectBucketConfigCmekSettingsArgs>? CmekSettings { get; set; }

        [Input("bucketId", required: true)]
        public Input<string> BucketId { get; set; } = null!;

        [Input("description")]
        public Input<string>? Description { get; set; }

        [Input("enableAnalytics")]
        public Input<bool>? EnableAnalytics { get; set; }

        [Input("location", required: true)]
        public Input<string> Location { get; set; } = null!;

        [Input("project", required: true)]
        public Input<string> Project { get; set; } = null!;

        [Input("retentionDays")]
        public Input<int>? RetentionDays { get; set; }
    }

    public class ProjectSink(string name, ProjectSinkArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:logging/projectSink:ProjectSink", name, args, options)
    {
        [Output("writerIdentity")]
        public Output<string> WriterIdentity { get; private set; } = null!;
    }

    public sealed class ProjectSinkArgs : ResourceArgs
    {
        [Input("destination", required: true)]
        public Input<string> Destination { get; set; } = null!;

        [Input("filter")]
        public Input<string>? Filter { get; set; }

        [Input("name")]
        public Input<string>? Name { get; set; }

        [Input("uniqueWriterIdentity")]
        public Input<bool>? UniqueWriterIdentity { get; set; }
    }

    public class ProjectExclusion(string name, ProjectExclusionArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:logging/projectExclusion:ProjectExclusion", name, args, options);

    public sealed class ProjectExclusionArgs : ResourceArgs
    {
        [Input("description")]
        public Input<string>? Description { get; set; }

        [Input("filter", required: true)]
        public Input<string> Filter { get; set; } = null!;

        [Input("name")]
        public Input<string>? Name { get; set; }
    }
}

namespace Pulumi.Gcp.Logging.Inputs
{
    public sealed class MetricMetricDescriptorArgs : ResourceArgs
    {
        [Input("metricKind", required: true)]
        public Input<string> MetricKind { get; set; } = null!;

        [Input("valueType", required: true)]
        public Input<string> ValueType { get; set; } = null!;
    }

    public sealed class ProjectBucketConfigCmekSettingsArgs : ResourceArgs
    {
        [Input("kmsKeyName", required: true)]
        public Input<string> KmsKeyName { get; set; } = null!;
    }
}
