using Pulumi;
using Pulumi.Gcp.Monitoring;
using Pulumi.Gcp.Monitoring.Inputs;

namespace Infra;

/// <summary>Alerts that reach a person: each says what is wrong, and what to do.</summary>
/// <param name="tenant">Whose alerts they are.</param>
/// <param name="parent">The part that declares them.</param>
sealed class Alerts(Tenant tenant, Monitoring parent)
{
    internal void Add(string name, string title, string remedy, Output<string> query) =>
        _ = new AlertPolicy(
            name,
            new AlertPolicyArgs
            {
                DisplayName = $"{tenant.Slug}: {title}",
                Combiner = "OR",
                Severity = name.EndsWith("-down", StringComparison.Ordinal) ? "CRITICAL" : "WARNING",
                NotificationChannels = tenant.Platform.NotificationChannels.ToArray(),
                UserLabels = tenant.Labels,
                Documentation = new AlertPolicyDocumentationArgs
                {
                    Content = $"{title}.\n\n{remedy}",
                    MimeType = "text/markdown",
                },
                AlertStrategy = new AlertPolicyAlertStrategyArgs { AutoClose = "86400s" },
                Conditions =
                {
                    new AlertPolicyConditionArgs
                    {
                        DisplayName = title,
                        ConditionPrometheusQueryLanguage = new AlertPolicyConditionConditionPrometheusQueryLanguageArgs
                        {
                            Query = query,
                            Duration = "120s",
                            EvaluationInterval = "60s",
                            // A metric exists from its first point on; without this the API answers 404 to an alert on
                            // a new one.
                            DisableMetricValidation = true,
                        },
                    },
                },
            },
            new CustomResourceOptions { Parent = parent }
        );
}
