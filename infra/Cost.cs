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
    /// <param name="name">The part's name in the stack.</param>
    /// <param name="args">What it is made of.</param>
    /// <param name="options">The part's options.</param>
    public Cost(string name, CostArgs args, ComponentResourceOptions? options = null)
        : base("tenant:infra:Cost", name, options)
    {
        ArgumentNullException.ThrowIfNull(args);
        var budget = new Budget(
            "budget",
            new BudgetArgs
            {
                BillingAccount = args.Tenant.Platform.BillingAccount,
                DisplayName = args.Tenant.Names.Label("budget"),
                Amount = new BudgetAmountArgs
                {
                    SpecifiedAmount = new BudgetAmountSpecifiedAmountArgs
                    {
                        CurrencyCode = args.Currency,
                        Units = $"{args.MonthlyBudget}",
                    },
                },
                BudgetFilter = new BudgetBudgetFilterArgs
                {
                    CalendarPeriod = "MONTH",
                    CreditTypesTreatment = "INCLUDE_ALL_CREDITS",
                    Labels = { ["tenant"] = args.Tenant.Slug.Text },
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
                    MonitoringNotificationChannels = args
                        .Tenant.Platform.NotificationChannels.Take(MaxChannels)
                        .ToArray(),
                    DisableDefaultIamRecipients = true,
                },
            },
            new CustomResourceOptions { Parent = this }
        );

        RegisterOutputs(new Dictionary<string, object?> { ["budget"] = budget.Id });
    }
}

/// <summary>What <see cref="Cost"/> is made of.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="MonthlyBudget">Budget a month, in units of the currency.</param>
/// <param name="Currency">The billing account's currency.</param>
public sealed record CostArgs(Tenant Tenant, int MonthlyBudget, string Currency);
