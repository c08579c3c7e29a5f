namespace Migrator.Model;

/// <summary>The names of the phases in the journal; users' databases contain them, so they do not change.</summary>
public static class PhaseName
{
    public const string BuildSchema = "build-schema";
    public const string CatchUp = "catch-up";
    public const string CatchUpReverse = "follow-home";
    public const string VerifyReverse = "verify-home";
    public const string CleanUpAfterFinalize = "remove-traces";
    public const string CleanUpAfterRollback = "release-shared";
    public const string CloneSchema = "clone-schema";
    public const string CloneTriggersAndPolicies = "clone-behaviour";
    public const string CloseGuard = "fence";
    public const string CloseIsolatedGuard = "close-isolated";
    public const string CopyData = "copy";
    public const string CutOver = "cut-over";
    public const string DeleteShared = "delete-shared";
    public const string FlipBack = "flip-back";
    public const string Hold = "hold";
    public const string InstallGuard = "guard";
    public const string Provision = "provision";
    public const string Rehearse = "rehearse";
    public const string ReconcileShared = "bring-home";
    public const string StartStreaming = "start-streaming";
    public const string StopStreaming = "stop-streaming";
    public const string TryApplicationLogin = "application-login";
    public const string Validate = "validate";
    public const string Verify = "verify";
    public const string VerifyFlip = "verify-flip";
    public const string Preflight = "preflight";
}
