namespace Pulumi.Gcp.Billing
{
    public class Budget(string name, BudgetArgs args, CustomResourceOptions? options = null)
        : CustomResource("gcp:billing/budget:Budget", name, args, options);

    public sealed class BudgetArgs : ResourceArgs
    {
        [Input("allUpdatesRule")]
        public Input<Inputs.BudgetAllUpdatesRuleArgs>? AllUpdatesRule { get; set; }

        [Input("amount", required: true)]
        public Input<Inputs.BudgetAmountArgs> Amount { get; set; } = null!;

        [Input("billingAccount", required: true)]
        public Input<string> BillingAccount { get; set; } = null!;

        [Input("budgetFilter")]
        public Input<Inputs.BudgetBudgetFilterArgs>? BudgetFilter { get; set; }

        [Input("displayName")]
        public Input<string>? DisplayName { get; set; }

        [field: Input("thresholdRules")]
        public InputList<Inputs.BudgetThresholdRuleArgs> ThresholdRules
        {
            get => field ??= new();
            set;
        }
    }
}

namespace Pulumi.Gcp.Billing.Inputs
{
    public sealed class BudgetAllUpdatesRuleArgs : ResourceArgs
    {
        [Input("disableDefaultIamRecipients")]
        public Input<bool>? DisableDefaultIamRecipients { get; set; }

        [field: Input("monitoringNotificationChannels")]
        public InputList<string> MonitoringNotificationChannels
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class BudgetAmountArgs : ResourceArgs
    {
        [Input("specifiedAmount")]
        public Input<BudgetAmountSpecifiedAmountArgs>? SpecifiedAmount { get; set; }
    }

    public sealed class BudgetAmountSpecifiedAmountArgs : ResourceArgs
    {
        [Input("currencyCode")]
        public Input<string>? CurrencyCode { get; set; }

        [Input("units")]
        public Input<string>? Units { get; set; }
    }

    public sealed class BudgetBudgetFilterArgs : ResourceArgs
    {
        [Input("calendarPeriod")]
        public Input<string>? CalendarPeriod { get; set; }

        [Input("creditTypesTreatment")]
        public Input<string>? CreditTypesTreatment { get; set; }

        [field: Input("labels")]
        public InputMap<string> Labels
        {
            get => field ??= new();
            set;
        }
    }

    public sealed class BudgetThresholdRuleArgs : ResourceArgs
    {
        [Input("spendBasis")]
        public Input<string>? SpendBasis { get; set; }

        [Input("thresholdPercent", required: true)]
        public Input<double> ThresholdPercent { get; set; } = null!;
    }
}
