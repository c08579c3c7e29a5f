namespace Pulumi.Gcp.Monitoring
{
    public class AlertPolicy(string name, AlertPolicyArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:monitoring/alertPolicy:AlertPolicy", name, args, options);

    public sealed class AlertPolicyArgs : ResourceArgs
    {
        [Input("alertStrategy")]
        public Input<Inputs.AlertPolicyAlertStrategyArgs>? AlertStrategy { get; set; }

        [Input("combiner", required: true)]
        public Input<string> Combiner { get; set; } = null!;

        [field: Input("conditions", required: true)]
        public InputList<Inputs.AlertPolicyConditionArgs> Conditions
        {
            get => field ??= new();
            set;
        }

        [Input("displayName", required: true)]
        public Input<string> DisplayName { get; set; } = null!;

        [Input("documentation")]
        public Input<Inputs.AlertPolicyDocumentationArgs>? Documentation { get; set; }

        [field: Input("notificationChannels")]
        public InputList<string> NotificationChannels
        {
            get => field ??= new();
            set;
        }

        [Input("severity")]
        public Input<string>? Severity { get; set; }

        [field: Input("userLabels")]
        public InputMap<string> UserLabels
        {
            get => field ??= new();
            set;
        }
    }

    public class Dashboard(string name, DashboardArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:monitoring/dashboard:Dashboard", name, args, options);

    public sealed class DashboardArgs : ResourceArgs
    {
        [Input("dashboardJson", required: true)]
        public Input<string> DashboardJson { get; set; } = null!;
    }

    public class UptimeCheckConfig(string name, UptimeCheckConfigArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig", name, args, options)
    {
        [Output("uptimeCheckId")]
        public Output<string> UptimeCheckId { get; private set; } = null!;
    }

    public sealed class UptimeCheckConfigArgs : ResourceArgs
    {
        [Input("displayName", required: true)]
        public Input<string> DisplayName { get; set; } = null!;

        [Input("httpCheck")]
        public Input<Inputs.UptimeCheckConfigHttpCheckArgs>? HttpCheck { get; set; }

        [Input("monitoredResource")]
        public Input<Inputs.UptimeCheckConfigMonitoredResourceArgs>? MonitoredResource { get; set; }

        [Input("period")]
        public Input<string>? Period { get; set; }

        [Input("timeout", required: true)]
        public Input<string> Timeout { get; set; } = null!;

        [field: Input("userLabels")]
        public InputMap<string> UserLabels
        {
            get => field ??= new();
            set;
        }
    }

    public class NotificationChannel(string name, NotificationChannelArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:monitoring/notificationChannel:NotificationChannel", name, args, options)
    {
        [Output("name")]
        public Output<string> Name { get; private set; } = null!;
    }

    public sealed class NotificationChannelArgs : ResourceArgs
    {
        [Input("displayName")]
        public Input<string>? DisplayName { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("type", required: true)]
        public Input<string> Type { get; set; } = null!;

        [field: Input("userLabels")]
        public InputMap<string> UserLabels
        {
            get => field ??= new();
            set;
        }
    }
}

namespace Pulumi.Gcp.Monitoring.Inputs
{
    public sealed class AlertPolicyAlertStrategyArgs : ResourceArgs
    {
        [Input("autoClose")]
        public Input<string>? AutoClose { get; set; }
    }

    public sealed class AlertPolicyConditionArgs : ResourceArgs
    {
        [Input("conditionPrometheusQueryLanguage")]
        public Input<AlertPolicyConditionConditionPrometheusQueryLanguageArgs>? ConditionPrometheusQueryLanguage { get; set; }

        [Input("displayName", required: true)]
        public Input<string> DisplayName { get; set; } = null!;
    }

    public sealed class AlertPolicyConditionConditionPrometheusQueryLanguageArgs : ResourceArgs
    {
        [Input("disableMetricValidation")]
        public Input<bool>? DisableMetricValidation { get; set; }

        [Input("duration")]
        public Input<string>? Duration { get; set; }

        [Input("evaluationInterval")]
        public Input<string>? EvaluationInterval { get; set; }

        [Input("query", required: true)]
        public Input<string> Query { get; set; } = null!;
    }

    public sealed class AlertPolicyDocumentationArgs : ResourceArgs
    {
        [Input("content")]
        public Input<string>? Content { get; set; }

        [Input("mimeType")]
        public Input<string>? MimeType { get; set; }
    }

    public sealed class UptimeCheckConfigHttpCheckArgs : ResourceArgs
    {
        [Input("path")]
        public Input<string>? Path { get; set; }

        [Input("port")]
        public Input<int>? Port { get; set; }

        [Input("useSsl")]
        public Input<bool>? UseSsl { get; set; }

        [Input("validateSsl")]
        public Input<bool>? ValidateSsl { get; set; }
    }

    public sealed class UptimeCheckConfigMonitoredResourceArgs : ResourceArgs
    {
        [field: Input("labels", required: true)]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }

        [Input("type", required: true)]
        public Input<string> Type { get; set; } = null!;
    }
}
