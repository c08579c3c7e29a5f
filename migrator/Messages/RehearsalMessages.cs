using Migrator.Model;

namespace Migrator.Messages;

/// <summary>What is said of a rehearsal.</summary>
static class RehearsalMessages
{
    public const string NeedsOnline =
        "A rehearsal measures the pause of mode online; mode fenced has no other pause than the copy. Leave --mode fenced out.";

    public const string MovesNothing =
        "--rehearse moves nothing, so --finalize and --dry-run do not go with it. Leave one of them out.";

    public const string KeepsNothing = "--keep says what becomes of a rehearsal. Add --rehearse.";

    public const string HoldsNothing =
        "A rehearsal is undone, or with --keep held until 'migrator cutover'; times and windows of a hold do not go with it. "
        + "Leave them out.";

    public const string Undone = "The rehearsal has failed. All that it has made is undone.";

    public static string NotUndone(Slug slug, string why) =>
        $"The rehearsal has failed, and not all that it has made is undone: {Wording.OneLine(why)} "
        + $"'migrator rollback --tenant-slug={slug} --confirm' undoes the rest.";

    public static string Question(Slug slug, bool keeps) =>
        $"Rehearse the move of tenant {slug}? It works on meanwhile; its writes pause for twenty moments. "
        + (keeps ? "The promotion then holds." : "Then all is undone.");

    public static MigratorException UnderWay(Slug slug, string state) =>
        MigratorException.Refused(
            $"A promotion of '{slug}' is under way (state '{state}'), which a rehearsal would undo. Nothing was changed. "
                + $"'migrator promote --tenant-slug={slug} --confirm' goes on with the promotion, "
                + $"'migrator rollback --tenant-slug={slug} --confirm' gives it up."
        );

    public static string Pauses(double shortest, double median, double ninetieth, double longest, int count) =>
        $"{count} rehearsed pauses took {shortest:N0} to {longest:N0} ms; half of them less than {median:N0} ms, nine in ten "
        + $"less than {ninetieth:N0} ms.";

    public static string Compared(double pause, double longest) =>
        pause <= longest
            ? "The pause was no longer than a rehearsed one."
            : $"The pause was {pause - longest:N0} ms longer than the longest rehearsed one.";
}
