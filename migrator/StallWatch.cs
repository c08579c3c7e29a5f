using Migrator.Model;
using Migrator.Progress;
using Migrator.Settings;

namespace Migrator;

/// <summary>Tells which hooks have to be told that a phase does not come any further: each once, until it does.</summary>
sealed class StallWatch(IReadOnlyList<Hook> hooks, TimeProvider clock)
{
    readonly HashSet<string> told = [];
    (string Phase, DateTime Since, string? Unit, long Done) seen;
    long moved = clock.GetTimestamp();

    /// <summary>To be called each second.</summary>
    /// <returns>The names of hooks.</returns>
    public IReadOnlyList<string> Look(ProgressState now)
    {
        var position = (now.Phase, now.Since, now.Unit, now.Done);
        if (position != seen)
        {
            (seen, moved) = (position, clock.GetTimestamp());
            told.Clear();
        }
        // Holding is waiting.
        if (now.Phase == PhaseName.Hold)
            return [];
        var still = clock.GetElapsedTime(moved);
        return
        [
            .. hooks
                .Where(hook => hook.On.Contains(HookEvent.Stalled) && still >= hook.StalledAfter)
                .Select(hook => hook.Name)
                .Where(told.Add),
        ];
    }
}
