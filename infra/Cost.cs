using Pulumi;
using Pulumi.Gcp.Billing;
using Pulumi.Gcp.Billing.Inputs;

namespace Infra;

/// <summary>
/// The tenant's <see href="https://cloud.google.com/billing/docs/how-to/budgets">budget</see>: everything that carries
/// its label, with a word at half, nine tenths and all of it, and when the month is forecast to end above it.
/// </summary>
public sealed class Cost : ComponentResource
{
    // The API takes no more. https://cloud.google.com/billing/docs/how-to/budgets-notification-recipients
    const int MaxChannels = 5;

    /// <summary>Declares the budget.</summary>
    public Cost(TenantConfig config, ComponentResourceOptions options)
        : base("tenant:infra:Cost", "cost", options)
    {
        _ = new Budget(
            "budget",
            new BudgetArgs
            {
                BillingAccount = config.Platform.BillingAccount,
                DisplayName = config.Names.Label("budget"),
                Amount = new BudgetAmountArgs
                {
                    SpecifiedAmount = new BudgetAmountSpecifiedAmountArgs
                    {
                        CurrencyCode = config.BudgetCurrency,
                        Units = $"{config.Tier.MonthlyBudget}",
                    },
                },
                BudgetFilter = new BudgetBudgetFilterArgs
                {
                    CalendarPeriod = "MONTH",
                    CreditTypesTreatment = "INCLUDE_ALL_CREDITS",
                    Labels = { ["tenant"] = config.Slug.Text },
                },
                ThresholdRules =
                {
                    new BudgetThresholdRuleArgs { ThresholdPercent = 0.5 },
                    new BudgetThresholdRuleArgs { ThresholdPercent = 0.9 },
                    new BudgetThresholdRuleArgs { ThresholdPercent = 1.0 },
                    new BudgetThresholdRuleArgs { ThresholdPercent = 1.0, SpendBasis = "FORECASTED_SPEND" },
                },
                AllUpdatesRule = new BudgetAllUpdatesRuleArgs
                {
                    MonitoringNotificationChannels = config.Platform.NotificationChannels.Take(MaxChannels).ToArray(),
                    DisableDefaultIamRecipients = true,
                },
            },
            new CustomResourceOptions { Parent = this }
        );

        RegisterOutputs();
    }
}
