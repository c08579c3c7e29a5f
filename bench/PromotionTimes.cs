using Migrator.Model;

namespace Bench;

/// <summary>What a promotion took, by its own journal; memory by the operating system.</summary>
sealed record PromotionTimes(
    IReadOnlyList<(string Name, double Seconds)> Phases,
    double Seconds,
    long Rows,
    double PeakMegabytes
)
{
    public double Of(params string[] names) =>
        Phases.Where(phase => names.Contains(phase.Name)).Sum(phase => phase.Seconds);

    /// <summary>Seconds of what a copy by hand does as well.</summary>
    // Online keys come with the first changes, and triggers in a phase of their own.
    public double Load =>
        Of(
            PhaseName.Provision,
            PhaseName.CloneSchema,
            PhaseName.CopyData,
            PhaseName.CatchUp,
            PhaseName.BuildSchema,
            PhaseName.CloneTriggersAndPolicies
        );
}
