namespace Pulumi.Gcp.Monitoring
{
    public class CustomService(string name, CustomServiceArgs? args = null, CustomResourceOptions? options = null)
        : CustomResource("gcp:monitoring/customService:CustomService", name, args, options)
    {
        [Output("serviceId")]
        public Output<string> ServiceId { get; private set; } = null!;
    }

    public sealed class CustomServiceArgs : ResourceArgs
    {
        [Input("displayName")]
        public Input<string>? DisplayName { get; set; }

        [Input("serviceId")]
        public Input<string>? ServiceId { get; set; }

        [field: Input("userLabels")]
        public InputMap<string> UserLabels
        {
            get => field ??= new();
            set;
        }
    }

    public class Slo(string name, SloArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:monitoring/slo:Slo", name, args, options);

    public sealed class SloArgs : ResourceArgs
    {
        [Input("displayName")]
        public Input<string>? DisplayName { get; set; }

        [Input("goal", required: true)]
        public Input<double> Goal { get; set; } = null!;

        [Input("requestBasedSli")]
        public Input<Inputs.SloRequestBasedSliArgs>? RequestBasedSli { get; set; }

        [Input("rollingPeriodDays")]
        public Input<int>? RollingPeriodDays { get; set; }

        [Input("service", required: true)]
        public Input<string> Service { get; set; } = null!;

        [Input("sloId")]
        public Input<string>? SloId { get; set; }

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
    public sealed class SloRequestBasedSliArgs : ResourceArgs
    {
        [Input("goodTotalRatio")]
        public Input<SloRequestBasedSliGoodTotalRatioArgs>? GoodTotalRatio { get; set; }
    }

    public sealed class SloRequestBasedSliGoodTotalRatioArgs : ResourceArgs
    {
        [Input("badServiceFilter")]
        public Input<string>? BadServiceFilter { get; set; }

        [Input("totalServiceFilter")]
        public Input<string>? TotalServiceFilter { get; set; }
    }
}
