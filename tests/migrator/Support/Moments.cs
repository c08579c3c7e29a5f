using Migrator.Model;

namespace Migrator.Tests.Support;

/// <summary>The moments at which phases start, as the program's log tells them.</summary>
static class Started
{
    public const string Provision = "started " + PhaseName.Provision;
    public const string InstallGuard = "started " + PhaseName.InstallGuard;
    public const string CloneSchema = "started " + PhaseName.CloneSchema;
    public const string CloseGuard = "started " + PhaseName.CloseGuard;
    public const string CopyData = "started " + PhaseName.CopyData;
    public const string CatchUp = "started " + PhaseName.CatchUp;
    public const string BuildSchema = "started " + PhaseName.BuildSchema;
    public const string Verify = "started " + PhaseName.Verify;
    public const string CutOver = "started " + PhaseName.CutOver;
    public const string CloseIsolatedGuard = "started " + PhaseName.CloseIsolatedGuard;
    public const string ReconcileShared = "started " + PhaseName.ReconcileShared;
    public const string CleanUpAfterRollback = "started " + PhaseName.CleanUpAfterRollback;
    public const string DeleteShared = "started " + PhaseName.DeleteShared;
}

/// <summary>The moments at which phases end.</summary>
static class Ended
{
    public const string Provision = "ended " + PhaseName.Provision;
    public const string InstallGuard = "ended " + PhaseName.InstallGuard;
    public const string CloneSchema = "ended " + PhaseName.CloneSchema;
    public const string CopyData = "ended " + PhaseName.CopyData;
    public const string BuildSchema = "ended " + PhaseName.BuildSchema;
    public const string CutOver = "ended " + PhaseName.CutOver;
    public const string Validate = "ended " + PhaseName.Validate;
    public const string ReconcileShared = "ended " + PhaseName.ReconcileShared;
    public const string DeleteShared = "ended " + PhaseName.DeleteShared;
}

/// <summary>The phases whose moments a sweep goes through.</summary>
static class Moments
{
    /// <summary>The phases of a promotion in mode fenced, in their order.</summary>
    public static IReadOnlyList<string> FencedPhases { get; } =
    [
        PhaseName.Preflight,
        PhaseName.Provision,
        PhaseName.InstallGuard,
        PhaseName.CloneSchema,
        PhaseName.CloseGuard,
        PhaseName.CopyData,
        PhaseName.BuildSchema,
        PhaseName.Verify,
        PhaseName.CutOver,
        PhaseName.Validate,
    ];
}
