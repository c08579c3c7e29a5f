namespace Migrator.Hooks;

/// <summary>What came of one call of a hook.</summary>
/// <param name="IsTaken">The hook says that it has understood, and, if it was asked, yes.</param>
/// <param name="IsRefused">The hook was reached and says no; otherwise another call may succeed.</param>
/// <param name="Why">Why it was not taken, as the end of a sentence.</param>
public sealed record HookAnswer(bool IsTaken, bool IsRefused, string? Why)
{
    public static readonly HookAnswer Taken = new(true, false, null);

    public static HookAnswer Refused(string why) => new(false, true, why);

    public static HookAnswer Failed(string why) => new(false, false, why);
}
